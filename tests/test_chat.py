"""The chat with the assistant: its screen, its context, and what replies and edits do."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.model_faults import Behaviour
from tests.chatting import ask, asked, chatting, system
from tests.harness import BotHarness, until

# ── the screen ──


def test_the_chat_has_its_own_line_keyboard_and_placeholder(harness: BotHarness) -> None:
    person = chatting(harness)
    assert person.keyboard == (("🧹 Забыть разговор", "🎓 Роль"), ("🏠 Меню",))
    assert person.placeholder == "Спросите что угодно"
    person.press("🏠 Меню")
    person.wait("Вы в меню")


def test_words_are_answered_in_the_context_of_the_session(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Меня зовут Анна.", "Приятно, Анна.")
    ask(harness, person, "Как меня зовут?", "Вас зовут Анна.")
    assert asked(harness) == [
        ("user", "Меня зовут Анна."),
        ("assistant", "Приятно, Анна."),
        ("user", "Как меня зовут?"),
    ]
    assert "помощник в Telegram" in system(harness)


def test_coming_back_goes_on_in_the_same_session(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Раз.", "Два.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.send("/chat")
    assert "Продолжаем разговор «Раз.»" in person.wait("💬 Чат").text
    harness.restart()
    ask(harness, person, "Три.", "Четыре.")
    assert [text for _, text in asked(harness)] == ["Раз.", "Два.", "Три."]
    assert harness.db.count("session", kind="chat") == 1


def test_a_story_and_the_chat_park_each_other(harness: BotHarness) -> None:
    person = harness.writer(words="Маяк погас.")
    person.send("/chat")
    person.wait("💬 Чат. Истории ждут")
    ask(harness, person, "Сколько будет дважды два?", "Четыре.")
    assert "Маяк" not in str(asked(harness))
    person.press("🏠 Меню")
    person.wait("Чтобы вернуться")
    person.press("🔖 К истории")
    person.wait("часть 1")
    harness.says("Смотритель встал.")
    person.press("▶️ Дальше")
    person.wait("Смотритель встал.")
    assert "дважды два" not in str(harness.prompts()[-1])


def test_kept_words_can_go_to_the_chat(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("Почему небо синее?")
    assert person.wait("Сообщение сохранил").labels == ("✨ В новую историю", "💬 В чат")
    harness.says("Синий рассеивается сильнее.")
    person.tap("💬 В чат")
    person.wait("Синий рассеивается")
    assert asked(harness) == [("user", "Почему небо синее?")]
    assert person.keyboard[0] == ("🧹 Забыть разговор", "🎓 Роль")


def test_an_answer_grows_as_a_draft_and_can_be_stopped(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Один. Два. Три.", chunks=3, hang_after=2)
    person.send("Посчитай.")
    person.wait_draft("Два.")
    person.send("стоп")
    person.wait("Остановил, сказанное осталось в разговоре")
    assert person.draft is None
    ask(harness, person, "Дальше что?", "Три.")
    assert [role for role, _ in asked(harness)] == ["user", "assistant", "user"]


def test_a_stop_before_the_first_word_leaves_no_trace_in_the_context(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.models.faults.order(Behaviour(hang=True))
    first = person.send("Не то спросил.")
    until(lambda: len(harness.prompts()) == 1)
    person.send("/cancel")
    person.wait("ничего не потрачено")
    harness.says("Ответ.")
    person.edit(first, "То спросил.")
    person.wait("Ответ.")
    assert asked(harness) == [("user", "То спросил.")]


# ── replies and edits ──


def test_a_reply_puts_that_message_into_the_question(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Рецепт борща: свёкла и терпение.")
    person.send("Как варить борщ?")
    recipe = person.wait("Рецепт борща").id
    ask(harness, person, "А погода?", "Не знаю.")
    harness.says("Часа полтора.")
    person.send("Сколько варить?", reply_to=recipe)
    person.wait("Часа полтора.")
    last = asked(harness)[-1][1]
    assert "Рецепт борща: свёкла и терпение." in last and last.endswith("Сколько варить?")


def test_a_reply_to_the_last_answer_says_it_once(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Сорок два.")
    person.send("Ответ?")
    answer = person.wait("Сорок два.").id
    until(harness.settled)
    harness.says("Потому.")
    person.send("Почему?", reply_to=answer)
    person.wait("Потому.")
    assert asked(harness) == [("user", "Ответ?"), ("assistant", "Сорок два."), ("user", "Почему?")]


def test_a_reply_to_a_long_message_is_cut_to_a_sane_size(harness: BotHarness) -> None:
    person = chatting(harness)
    first = ask(harness, person, "очень " * 300, "Ясно.")
    ask(harness, person, "Дальше.", "Хорошо.")
    harness.says("Отвечаю.")
    person.send("О чём это?", reply_to=first)
    person.wait("Отвечаю.")
    assert 100 < len(asked(harness)[-1][1]) < 1700


def test_editing_the_last_words_asks_again_beside_the_old_ones(harness: BotHarness) -> None:
    person = chatting(harness)
    first = ask(harness, person, "Столица Франции?", "Париж.")
    second = ask(harness, person, "А Испаии?", "Не понял.")
    harness.says("Мадрид.")
    person.edit(second, "А Испании?")
    person.wait("Мадрид.")
    assert [text for _, text in asked(harness)] == ["Столица Франции?", "Париж.", "А Испании?"]
    assert not [message for message in person.shown if message.text == "Не понял."]
    person.edit(first, "Столица Дании?")
    person.wait("останутся прежние слова")
    ask(harness, person, "Спасибо.", "Не за что.")
    assert "Не понял." not in str(asked(harness)) and "Дании" not in str(asked(harness))


def test_words_that_were_too_long_can_be_edited_and_asked(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=1800)
    harness.start()
    person = chatting(harness)
    sent = person.send("очень " * 650)
    person.wait("Сократите его до")
    harness.says("Коротко и ясно.")
    person.edit(sent, "Короче.")
    person.wait("Коротко и ясно.")
    assert asked(harness) == [("user", "Короче.")]
