"""HttpClient of the chat: the end of their context, forgetting, counting tokens, coming back to one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour, Received
from tests.bot_database import Not
from tests.chatting import ask, asked, chatting, system
from tests.harness import BotHarness, until
from tests.toasts import FOREIGN

WORDS = "слово " * 60


# ── the context's end ──


def rich(make_harness: Callable[..., BotHarness]) -> BotHarness:
    """Return a harness where nobody runs out of tokens."""
    harness = make_harness(USER_TOKENS=1_000_000)
    harness.start()
    return harness


def test_thirty_messages_pass_the_context_and_the_first_fact_is_still_known(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = rich(make_harness)
    person = chatting(harness)
    summaries = 0

    def answer(request: Received) -> Behaviour | None:
        nonlocal summaries
        if request.kind != "completion":
            return None
        if "Ты ведёшь память разговора" not in str(request.body):
            return Behaviour(text=f"Ответ. {WORDS}")
        summaries += 1
        assert "попугая зовут Гоша" in str(request.body)  # in the old memory, or in what is folded now
        return Behaviour(text="Собеседник: его попугая зовут Гоша.")

    harness.models.faults.rule = answer
    person.send("Запомни: моего попугая зовут Гоша.")
    person.wait("Ответ.")
    for number in range(2, 31):
        person.send(f"Вопрос {number}: {WORDS}")
        person.wait("Ответ.")
    assert 2 <= summaries <= 8
    assert "его попугая зовут Гоша" in system(harness)
    assert "Запомни" not in str(asked(harness))
    told = [message.text for message in person.bot_messages]
    assert sum("занял больше 80 %" in text for text in told) == 1
    assert sum("начало я сжал" in text for text in told) == summaries
    until(lambda: not harness.db.total("user", "reserved"))


def test_a_user_who_prefers_it_begins_anew_at_the_contexts_end(make_harness: Callable[..., BotHarness]) -> None:
    harness = rich(make_harness)
    person = chatting(harness)
    harness.db.change("user", {"id": 1}, at_full="anew")
    number = 0
    while not [message for message in person.bot_messages if "начинаю новый" in message.text]:
        number += 1
        assert number < 30
        harness.says(f"Ответ {number}. {WORDS}")
        person.send(f"Вопрос {number}: {WORDS}")
        person.wait(f"Ответ {number}.")
    assert asked(harness) == [("user", f"Вопрос {number}: {WORDS}".strip())]
    assert harness.db.count("session", kind="chat") == 2
    assert not harness.db.count("call", purpose="summary")
    person.send("/sessions")
    assert len(person.wait("Что продолжим?").labels) == 3  # two talks, and «📄 Файлом»


def test_a_session_that_is_nearly_spent_says_so_once(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Раз.", "Два.")
    harness.db.change("session", spent=81000)
    ask(harness, person, "Три.", "Четыре.")
    person.wait("больше 80 % своих токенов", since=0)
    ask(harness, person, "Пять.", "Шесть.")
    person.send("/t")
    person.wait("Потрачено")
    assert len([one for one in person.bot_messages if "своих токенов" in one.text]) == 1


def test_a_full_session_offers_a_new_one(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_SESSION=5000)
    harness.start()
    person = chatting(harness)
    ask(harness, person, "Раз.", "Два.")
    harness.db.change("session", spent=4900)
    person.send("Три.")
    person.wait("потрачено всё, что ему отпущено")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор. Прежний цел")
    ask(harness, person, "Четыре.", "Пять.")
    assert asked(harness) == [("user", "Четыре.")]


# ── forgetting, tokens, sessions ──


def test_forgetting_a_talk_without_a_word_does_not_open_the_one_before_it(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Про кошек.", "Мяу.")
    harness.db.change("session", spent=99999)
    person.send("Ещё.")
    person.wait("потрачено всё")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор. Прежний цел")
    harness.db.change("session", spent=0)
    person.send("/clear")
    person.wait("Забывать нечего")
    ask(harness, person, "Про собак.", "Гав.")
    assert asked(harness) == [("user", "Про собак.")]


@pytest.mark.parametrize("way", ["🧹 Забыть разговор", "/clear"])
def test_forgetting_deletes_the_messages_and_keeps_the_tokens_counted(harness: BotHarness, way: str) -> None:
    person = chatting(harness)
    ask(harness, person, "Старое.", "Прежний разговор.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("💬 Чат")
    spent = harness.db.value("user", "spent")
    old = person.send(way)
    text = person.wait("🧹 Забыл 2 сообщения").text
    assert f"{spent} токен" in text.replace("\u00a0", "")
    assert harness.db.count("session", deleted_at=None, head_id=Not(None)) == 0
    assert harness.db.value("user", "spent") == spent
    person.send("/sessions")
    person.wait("Здесь пока пусто")
    harness.day_passes()
    assert harness.db.count("prompt") == harness.db.count("sent", prompt_id=Not(0)) == 0
    assert harness.db.value("user", "spent") == spent
    ask(harness, person, "Новое.", "С чистого листа.")
    assert asked(harness) == [("user", "Новое.")]
    assert old


def test_a_message_of_a_forgotten_talk_stands_for_nothing_any_more(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Тайна.")
    question = person.send("Секрет?")
    answer = person.wait("Тайна.").id
    person.send("/clear")
    person.wait("Забыл")
    ask(harness, person, "Новое.", "Свежее.")
    person.edit(question, "Секрет или нет?")
    person.wait("останутся прежние слова")
    harness.says("Не помню.")
    person.send("Что это?", reply_to=answer)
    person.wait("Не помню.")
    assert "Тайна." in asked(harness)[-1][1]  # what is on the user's own screen may be asked about
    person.send("/clear")
    person.wait("Забыл 4 сообщения")
    person.send("/clear")
    person.wait("Забывать нечего")


def test_the_chat_is_not_forgotten_while_it_answers(harness: BotHarness) -> None:
    person = chatting(harness)
    held = harness.holds("Готово.")
    person.send("Вопрос.")
    person.press("🧹 Забыть разговор")
    person.wait("Сейчас это не сработает")
    held.set()
    person.wait("Готово.")


def test_t_tells_the_tokens_of_the_open_session_and_its_context(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/t")
    person.wait("ничего не потрачено")
    person.press("💬 Чат")
    person.wait("💬 Чат")
    ask(harness, person, "Вопрос.", "Ответ.")
    person.send("/t")
    spent = harness.db.value("session", "spent")
    text = person.wait("🔢 💬 Вопрос.").text.replace("\u00a0", "")
    assert f"Потрачено: {spent} из 100000 токенов" in text and "из 3000 токенов" in text


def test_t_and_info_speak_of_what_is_open_where_one_is(harness: BotHarness) -> None:
    person = harness.writer()

    def open_now() -> tuple[str, str]:
        person.send("/t")
        first = person.wait("🔢").text.splitlines()[0]
        person.send("/info")
        return first, person.wait("ℹ️").text

    def both_name(what: str) -> bool:
        return all(what in text for text in open_now())

    assert both_name("Смотритель Маяк")
    person.send("/chat")
    person.wait("💬 Чат")
    first, info = open_now()
    assert "ничего не потрачено" in first and "Ничего не открыто" in info  # the story waits elsewhere
    ask(harness, person, "Про кошек.", "Мяу.")
    assert both_name("💬 Про кошек.")
    person.send("/clear")
    person.wait("Забыл")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    assert both_name("Смотритель Маяк")
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap("Кот-писарь Пантелей")
    person.wait("делегация")
    assert both_name("🎭 Кот-писарь Пантелей")


def test_sessions_lists_stories_and_talks_and_resumes_them(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/chat")
    person.wait("💬 Чат")
    ask(harness, person, "Про кошек.", "Мяу.")
    person.send("/clear")
    person.wait("Забыл")
    ask(harness, person, "Про собак.", "Гав.")
    harness.db.change("session", {"kind": "chat"}, spent=99999)
    person.send("Ещё про собак.")
    person.wait("потрачено всё")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор")
    ask(harness, person, "Про птиц.", "Чирик.")
    person.send("/sessions")
    labels = person.wait("Что продолжим?").labels
    assert [label.split(" · ")[0] for label in labels[:-1]] == ["💬 Про птиц.", "💬 Про собак.", "📖 Смотритель Маяк"]
    harness.db.change("session", {"kind": "chat"}, spent=0)
    person.tap(labels[1])
    person.wait("Мы остановились на: «Гав.»")
    ask(harness, person, "Дальше.", "Гав-гав.")
    assert [text for _, text in asked(harness)] == ["Про собак.", "Гав.", "Дальше."]
    person.tap(labels[2])
    person.wait("часть 1")
    assert person.placeholder == "Что было дальше?"


def test_sessions_have_pages_and_are_nobody_elses(harness: BotHarness) -> None:
    person, stranger = chatting(harness), chatting(harness, 2)
    for number in range(8):
        ask(harness, person, f"Тема {number}.", f"Ответ {number}.")
        harness.db.change("session", {"user_id": 1}, spent=99999)
        person.send("Ещё.")
        person.wait("потрачено всё")
        person.tap("💬 Новый разговор")
        person.wait("Новый разговор")
    person.send("/sessions")
    assert person.wait("Что продолжим?").labels[-4:] == ("◀", "1/2", "▶", "📄 Файлом")
    person.tap("▶")
    shown = person.wait(lambda message: "2/2" in message.labels)
    assert [label.split(" · ")[0] for label in shown.labels[:2]] == ["💬 Тема 1.", "💬 Тема 0."]
    stranger.send("/sessions")
    stranger.wait("Здесь пока пусто")


def test_a_strangers_button_opens_nothing(harness: BotHarness) -> None:
    person, stranger = chatting(harness), chatting(harness, 2)
    ask(harness, person, "Моё.", "Да.")
    ask(harness, stranger, "Чужое.", "Нет.")
    stranger.send("/sessions")
    message = stranger.wait("Что продолжим?")
    other = harness.db.value("session", "id", user_id=1)
    harness.telegram.raw_update(
        {
            "callback_query": {
                "id": "77",
                "from": {"id": 2, "is_bot": False, "first_name": "Анна"},
                "message": {
                    "message_id": message.id,
                    "date": 1,
                    "chat": {"id": 2, "type": "private", "first_name": "Анна"},
                },
                "chat_instance": "1",
                "data": f"resume:{other}",
            }
        }
    )
    until(lambda: FOREIGN in str(harness.telegram.called("answerCallbackQuery")))
