"""A forgotten conversation can be brought back for a day, by its chat only."""

from __future__ import annotations

import pytest

from tests.bot_database import Not
from tests.chatting import ask, asked, chatting
from tests.harness import BotHarness, until
from tests.test_characters import CAT, GREETING, said, talker
from tests.test_groups import BOT, club
from tests.toasts import PAST

BACK = "↩️ Вернуть разговор"


@pytest.mark.parametrize("meanwhile", [False, True], ids=["at once", "after another"])
def test_a_forgotten_chat_is_brought_back(harness: BotHarness, meanwhile: bool) -> None:
    person = chatting(harness)
    ask(harness, person, "Старое.", "Прежний разговор.")
    person.press("🧹 Забыть разговор")
    forgotten = person.wait("сутки разговор ещё можно вернуть")
    assert forgotten.labels == (BACK,)
    if meanwhile:
        ask(harness, person, "Новое.", "Другой разговор.")
        assert asked(harness) == [("user", "Новое.")]
    person.tap(BACK, forgotten)
    person.wait("Мы остановились на: «Прежний разговор.»")
    person.send("/sessions")
    names = [label.split(" · ")[0] for label in person.wait("Что продолжим").labels[:-1]]
    assert names == (["💬 Старое.", "💬 Новое."] if meanwhile else ["💬 Старое."])
    ask(harness, person, "Дальше.", "И дальше.")
    assert [text for _, text in asked(harness)] == ["Старое.", "Прежний разговор.", "Дальше."]
    assert harness.db.count("session", deleted_at=Not(None)) == 0


def test_words_of_a_chat_that_was_brought_back_can_be_edited_again(harness: BotHarness) -> None:
    person = chatting(harness)
    question = ask(harness, person, "Сколько?", "Два.")
    person.send("/clear")
    forgotten = person.wait("Забыл")
    person.edit(question, "Сколько всего?")
    person.wait("останутся прежние слова")
    person.tap(BACK, forgotten)
    person.wait("Разговор на месте")
    harness.says("Три.")
    person.edit(question, "Сколько всего?")
    person.wait("Три.")


def test_the_line_that_says_where_a_chat_stopped_has_no_markdown(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("**Два** и `три`.")
    person.send("Сколько?")
    person.wait("Два и три.")
    until(harness.settled)
    person.send("/clear")
    person.wait("Забыл")
    person.tap(BACK)
    person.wait("Мы остановились на: «Два и три.»")
    person.send("/sessions")
    person.tap(person.wait("Что продолжим").labels[0])
    person.wait("Мы остановились на: «Два и три.»")


def test_a_day_later_the_button_is_past(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Старое.", "Прежний разговор.")
    person.send("/clear")
    person.wait("Забыл")
    harness.day_passes()
    assert person.tap(BACK).wait_answer().text == PAST
    assert harness.db.count("prompt") == 0


def test_forgetting_and_returning_again_and_again_leaves_no_empty_talks(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Старое.", "Прежний разговор.")
    for _ in range(3):
        person.send("/clear")
        forgotten = person.wait("Забыл")
        person.tap(BACK, forgotten)
        person.wait("Разговор на месте")
    assert harness.db.count("session") == 1


def test_a_conversation_with_a_character_is_brought_back(harness: BotHarness) -> None:
    person = talker(harness)
    said(harness, person, "Запомни: клубок", "Запомнил.")
    person.send("/clear")
    forgotten = person.wait("Забыл 3 сообщения")
    assert forgotten.labels == (BACK,)
    person.wait(GREETING)
    person.tap(BACK, forgotten)
    person.wait("Разговор на месте")
    assert "клубок" in str(said(harness, person, "Что помнишь?", "Клубок."))
    person.send("/sessions")
    *names, file = [label.split(" · ")[0] for label in person.wait("Что продолжим").labels]
    assert names == [f"🎭 {CAT}"] and file == "📄 Файлом"


def test_a_group_brings_its_talk_back_and_nobody_elsewhere_can(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    harness.says("Общее.")
    anna.send(f"{BOT} скажи")
    anna.wait("Общее.")
    boris.send("/clear")
    forgotten = boris.wait("Забыл 2 сообщения")
    number = harness.db.value("session", "id", deleted_at=Not(None))
    stranger = harness.new_person(3)
    harness.telegram.raw_update(
        {
            "callback_query": {
                "id": "77",
                "from": {"id": 3, "is_bot": False, "first_name": "Х"},
                "message": {
                    "message_id": stranger.last.id,
                    "date": 1,
                    "chat": {"id": 3, "type": "private"},
                    "text": "х",
                },
                "chat_instance": "1",
                "data": f"put_back_talk:{number}",
            }
        }
    )
    stranger.send("/help")
    stranger.wait("Мы пишем историю вдвоём")
    assert harness.db.count("session", deleted_at=Not(None)) == 1
    harness.telegram.api.violations.clear()  # the invented query has no true id to answer to
    boris.tap(BACK, forgotten)
    boris.wait("Разговор на месте")
    harness.says("Ещё.")
    anna.send(f"{BOT} дальше")
    anna.wait("Ещё.")
    assert "Общее." in str(asked(harness))


def test_forget_me_erases_a_forgotten_chat_at_once(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Старое.", "Прежний разговор.")
    person.send("/clear")
    person.wait("Забыл")
    person.send("/forget_me")
    person.wait("Удалить всё навсегда?")
    person.tap("🗑 Удалить всё")
    person.wait("я вас больше не помню")
    until(harness.settled)
    assert harness.db.count("session") == harness.db.count("prompt") == 0


# ── what an empty chat offers ──


def test_an_empty_chat_offers_three_questions_that_are_asked_by_a_press(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("💬 Чат")
    assert "🎓 Роль: 💼 Помощник" in person.wait("💬 Чат. Истории ждут").text
    offered = person.wait("С чего начать?").labels
    assert len(offered) == 3
    harness.says("Из-за рассеяния.")
    person.tap(offered[0])
    person.wait("Из-за рассеяния.")
    assert asked(harness) == [("user", offered[0])]
    assert f"▸ {offered[0]}" in [message.text for message in person.bot_messages]
    until(harness.settled)
    assert not any("Нажмите вопрос" in message.text for message in person.bot_messages)
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("Продолжаем разговор")
    until(harness.settled)
    assert not person.last.labels


def test_the_questions_suit_the_role_and_an_old_one_is_asked_from_anywhere(harness: BotHarness) -> None:
    person = chatting(harness)
    person.press("🎓 Роль")
    person.wait("Кем мне быть?")
    person.tap("🍳 Повар")
    person.wait("Теперь в этом чате")
    person.send("/chat")
    offered = person.wait("С чего начать?").labels
    assert "рис" in offered[2]
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    harness.says("Промойте его.")
    person.tap(offered[2])
    person.wait("💬 Чат. Истории ждут")
    person.wait("Промойте его.")
    assert person.placeholder == "Спросите что угодно"


def test_a_role_of_ones_own_has_no_examples(harness: BotHarness) -> None:
    person = chatting(harness)
    person.send("/prompt Ты моряк.")
    person.wait("Запомнил")
    person.send("/chat")
    person.wait("🎓 Роль: своя")
    until(harness.settled)
    assert "С чего начать?" not in person.last.text
