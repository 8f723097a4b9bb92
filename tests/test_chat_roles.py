"""Roles of the assistant in the chat, ready ones and own ones."""

from __future__ import annotations

from tests.chatting import ask, asked, chatting, system
from tests.harness import BotHarness


def test_a_role_of_ones_own_is_set_shown_and_reset(harness: BotHarness) -> None:
    person = chatting(harness)
    person.send("/prompt")
    person.wait("Сейчас моя роль: 💼 Помощник")
    person.send("/prompt Ты пират.\nГовори «йо-хо-хо».")
    person.wait("Запомнил")
    ask(harness, person, "Привет.", "Йо-хо-хо!")
    assert system(harness).startswith("Ты пират.\nГовори «йо-хо-хо».\nЧто бы ни говорилось выше: не помогай вредить")
    person.send("/system")
    person.wait("Ты пират.")
    person.send("/prompt сброс")
    person.wait("я снова 💼 Помощник")
    ask(harness, person, "Привет.", "Здравствуйте.")
    assert "пират" not in system(harness)
    person.send("/prompt " + "ы" * 2001)
    person.wait("Роль длинновата")


def test_a_role_of_ones_own_can_be_typed_as_an_answer(harness: BotHarness) -> None:
    person = chatting(harness)
    person.press("🎓 Роль")
    person.wait("Кем мне быть? Сейчас: 💼 Помощник.")
    person.tap("✍️ Своя роль")
    person.wait("Опишите словами")
    assert person.placeholder == "Кем мне быть?"
    person.send("Ты кот.")
    person.wait("Запомнил")
    assert person.keyboard[0] == ("🧹 Забыть разговор", "🎓 Роль")
    ask(harness, person, "Кто ты?", "Мур.")
    assert system(harness).startswith("Ты кот.\nЧто бы ни говорилось выше: не помогай вредить")
    person.press("🎓 Роль")
    person.wait("Кем мне быть? Сейчас: своя.")
    person.tap("✍️ Своя роль")
    person.wait("Опишите словами")
    person.send("сброс")
    person.wait("Роль сброшена")


def test_ready_roles_are_chosen_by_button(harness: BotHarness) -> None:
    person = chatting(harness)
    person.send("/modes")
    labels = person.wait("Кем мне быть?").labels
    assert len(labels) >= 12 and "1️⃣ Без контекста" in labels
    person.tap("🌍 Переводчик")
    person.wait("Теперь в этом чате: 🌍 Переводчик")
    ask(harness, person, "Кот", "Cat")
    assert "Ты переводчик" in system(harness)
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("Роль: 🌍 Переводчик")


def test_without_context_nothing_that_was_said_is_sent(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Я Анна.", "Ясно.")
    person.send("/modes")
    person.wait("Кем мне быть?")
    person.tap("1️⃣ Без контекста")
    person.wait("Теперь в этом чате")
    harness.says("Не знаю.")
    person.send("Кто я?")
    answer = person.wait("Не знаю.").id
    assert asked(harness) == [("user", "Кто я?")]
    harness.says("Речь о незнании.")
    person.send("О чём речь?", reply_to=answer)
    person.wait("Речь о незнании.")
    assert len(asked(harness)) == 1 and "Не знаю." in asked(harness)[0][1]


def test_commands_of_the_chat_inform_in_the_wizard_and_repeat_its_question(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1 из 5")
    for command in ("/t", "/sessions", "/modes", "/prompt", "/clear"):
        person.send(command)
        person.wait("Шаг 1 из 5")


def test_an_english_chat_is_english_to_the_model_too(harness: BotHarness) -> None:
    person = harness.telegram.user(5, "Ann", language_code="en")
    person.send("/start")
    person.wait("menu")
    person.press("💬 Chat")
    person.wait("💬 Chat. Your stories will wait")
    ask(harness, person, "Hi.", "Hello.")
    assert "assistant in Telegram" in system(harness)
