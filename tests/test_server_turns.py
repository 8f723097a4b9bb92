"""The bot on OpenAI-compatible servers with habits of their own: what its users see, and what is kept and charged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ai.openai_text import without_system
from core.schemas import Message
from sandbox.model_faults import Behaviour, Received
from sandbox.users import ChatUser
from tests.harness import ADMIN_ID, BotHarness, until
from turns.kinds.title import title_in
from turns.prompt_echo import PromptEcho

Make = Callable[..., BotHarness]
TEXT = "Маяк погас в полночь. Смотритель не спал."
THOUGHT = "Нужна сцена у маяка. Пусть будет ночь."
OVERFLOW = "Context size has been exceeded."


@pytest.fixture
def server(make_harness: Make) -> BotHarness:
    """Return a harness whose bot asks an OpenAI-compatible server."""
    harness = make_harness(MODEL_PROVIDER="openai", YANDEX_FOLDER_ID="", OPENAI_MODEL="sandbox-poet")
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    return harness


def bodies(harness: BotHarness) -> list[Any]:
    return [received.body for received in harness.models.of("completion")]


def begin(person: ChatUser) -> None:
    person.press("✨ Начать историю")


@pytest.mark.parametrize("where", ["text", "lone", "reasoning_content", "reasoning"])
def test_thoughts_are_never_shown_kept_or_sent_back(where: Any, server: BotHarness) -> None:
    server.start()
    person = server.at_summary()
    server.models.faults.default = Behaviour(text=TEXT, thoughts=THOUGHT, thoughts_in=where)
    begin(person)
    person.wait("Смотритель не спал.")
    server.models.faults.default = Behaviour(text="Свет погас. Никто не спал.", thoughts=THOUGHT, thoughts_in=where)
    person.press("▶️ Дальше")
    until(lambda: len(bodies(server)) == 2 and server.is_idle())
    assert "Нужна сцена" not in json.dumps(bodies(server), ensure_ascii=False)
    assert all("Нужна" not in message.text for message in person.bot_messages)
    assert not [text for text in server.db.values("prompt", "text") if "Нужна" in text or "think" in text]


def test_suggestions_of_a_thinking_model_are_read(server: BotHarness) -> None:
    server.start()
    person = server.writer()
    options = json.dumps({"options": ["Зажечь лампу.", "Спуститься к воде.", "Позвать сына."]}, ensure_ascii=False)
    server.says(options, thoughts='Подойдёт {"options": []}?')
    person.press("💡 Подскажи")
    person.wait("Спуститься к воде.")
    until(server.is_idle)
    person.press("💡 Подскажи")
    until(lambda: len(bodies(server)) == 3)
    assert [body["max_tokens"] for body in bodies(server)] == [800, 300, 800]  # thoughts count to the limit


def test_a_title_of_a_thinking_model_is_no_mark(server: BotHarness) -> None:
    assert title_in("1. Последний свет\n2. Маяк") == "Последний свет"
    assert title_in("Конечно! Вот название: «Последний свет»") == "Последний свет"
    assert title_in("Вот подходящее название для вашей истории:\n\n**Последний свет**") == "Последний свет"
    assert title_in("Название: Последний свет.") == "Последний свет"
    assert title_in("Sure! Here is a title: “The Last Light”") == "The Last Light"
    assert title_in("«Последний свет» — хорошее название, потому что…").startswith("Последний свет")
    assert title_in("- Последний свет") == "Последний свет"
    assert title_in("Конечно") == "Конечно"
    assert title_in("Название ветра") == "Название ветра"
    assert title_in("") == title_in("***") == ""


def test_a_model_that_only_thinks_is_told_as_such(server: BotHarness) -> None:
    server.start()
    person = server.at_summary()
    server.models.faults.default = Behaviour(thoughts=THOUGHT, thoughts_in="reasoning_content", only_thoughts=True)
    begin(person)
    said = person.wait("до ответа не дошла")
    assert "/model" in said.text and not said.buttons
    until(server.settled)
    server.check_books()


def test_a_context_that_is_full_in_the_middle_keeps_whole_sentences(server: BotHarness) -> None:
    server.start()
    admin = server.new_person(ADMIN_ID, "Вера")
    admin.send("/debug")
    admin.wait()
    person = server.at_summary()
    server.says(f"{TEXT} И тут он", error_after=7, code=500, shape="C", message=OVERFLOW)
    begin(person)
    person.wait("не поместил")
    assert any(message.text == TEXT for message in person.bot_messages)
    admin.wait(OVERFLOW)
    server.says("Он зажёг лампу.")
    person.tap("🔁 Повторить")
    person.wait("Он зажёг лампу.")
    until(server.settled)
    server.check_books()


def test_an_answer_that_was_cut_may_be_asked_again_as_often_as_wished(server: BotHarness) -> None:
    server.start()
    person = server.at_summary()
    server.says(f"{TEXT} И тут он", error_after=7, code=500, shape="C", message=OVERFLOW)
    begin(person)
    person.wait("не поместил")
    for _ in range(2):
        server.models.faults.order(Behaviour(status=500, shape="C"))
        person.tap("🔁 Повторить")
        person.wait("Не получилось обработать запрос")
        until(server.settled)
    server.says("Он зажёг лампу.")
    person.tap("🔁 Повторить")
    person.wait("Он зажёг лампу.")


def test_a_server_that_takes_little_is_asked_its_way_from_then_on_also_after_a_restart(server: BotHarness) -> None:
    server.models.refuses = ("streaming", "system", "schema", "temperature")
    server.models.faults.default = Behaviour(text=TEXT)
    server.start()
    person = server.at_summary()
    begin(person)
    person.wait("Смотритель не спал.")
    assert len(bodies(server)) == 4  # three refusals of a turn without a schema, and its answer
    server.restart()
    server.says("Он зажёг лампу.")
    person.press("▶️ Дальше")
    person.wait("Он зажёг лампу.")
    assert len(bodies(server)) == 5
    assert bodies(server)[-1]["messages"][0]["role"] == "user"
    assert {"stream": False}.items() <= bodies(server)[-1].items() and "temperature" not in bodies(server)[-1]


def test_a_context_is_learned_from_a_refusal_and_kept(server: BotHarness) -> None:
    server.start()
    person = server.at_summary()
    server.says(" ".join(f"Слово номер {n} о море." for n in range(60)))
    begin(person)
    person.wait("Слово номер 59")
    server.models.context_tokens = 700
    server.models.faults.rule = lambda received: (
        Behaviour(text=f"Ответ {len(server.models.requests)}.") if received.kind == "completion" else None
    )
    person.press("▶️ Дальше")
    until(lambda: server.app is not None and server.app.registry.default.context_tokens == 700)
    server.restart()
    assert server.app is not None and server.app.registry.default.context_tokens == 700


def test_slots_that_the_server_tells_hold_the_bots_own_queue(server: BotHarness) -> None:
    server.models.properties = {"total_slots": 1}
    server.start()
    until(lambda: server.app is not None and server.app.registry.slots == 1)
    first, second = server.at_summary(1), server.at_summary(2)
    released = server.holds_all("Начало.")
    begin(first)
    until(lambda: len(bodies(server)) == 1)
    begin(second)
    second.wait("очеред")
    assert len(bodies(server)) == 1
    released.set()
    first.wait("Начало.")
    second.wait("Начало.")
    assert server.models.peak == 1


def test_more_than_was_reserved_is_charged_by_the_servers_figure(server: BotHarness) -> None:
    server.start()
    person = server.at_summary()
    server.says(TEXT, prompt_tokens=6_000)
    begin(person)
    person.wait("Смотритель не спал.")
    until(server.is_idle)
    assert server.db.value("call", "charged") > 6_000 == server.db.value("call", "input")
    server.check_books()


def test_a_story_goes_on_with_a_cut_memory_where_it_could_not_without_one(make_harness: Make) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=1100, MAX_TOKENS_PER_ANSWER=300, USER_TOKENS=300_000)
    harness.start()
    person = harness.writer(words="Дождь шёл над городом.")

    def rule(received: Received) -> Behaviour | None:
        if received.kind != "completion":
            return None
        if "Запиши обновлённую память" in received.body["messages"][-1]["text"]:
            return Behaviour(text="Герой: Веста слепа.\nЛюди: брат Илья, котор", end="truncated")
        return Behaviour(text=f"Часть. {'Дождь. ' * 60}")

    harness.models.faults.rule = rule
    for number in range(12):
        person.press("▶️ Дальше")
        until(lambda number=number: harness.db.count("turn") == number + 2 and harness.settled())  # type: ignore[misc]
    assert harness.db.count("turn", state="answered") == 13
    assert set(harness.db.values("memory", "text")) == {"Герой: Веста слепа."}
    harness.check_books()


@pytest.mark.parametrize(
    "broken", [{"end": "truncated"}, {"text": "Герой: имя, внешность, чего хочет, что с ним сейчас, что при нём."}]
)
def test_a_broken_memory_is_not_kept(broken: dict[str, Any], make_harness: Make) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=2000, MAX_TOKENS_PER_ANSWER=300, USER_TOKENS=300_000)
    harness.start()
    person = harness.writer(words="Дождь шёл над городом.")

    def rule(received: Received) -> Behaviour | None:
        if received.kind != "completion":
            return None
        summary = "Запиши обновлённую память" in received.body["messages"][-1]["text"]
        return (
            Behaviour(**{"text": "Герой: Веста.", **broken}) if summary else Behaviour(text=f"Часть. {'Дождь. ' * 60}")
        )

    harness.models.faults.rule = rule
    for number in range(20):
        person.press("▶️ Дальше")
        until(lambda number=number: harness.db.count("turn") == number + 2 and harness.is_idle())  # type: ignore[misc]
        if harness.db.count("call", purpose="summary"):
            break
    assert harness.db.count("call", purpose="summary")
    assert harness.db.count("memory") == 0
    until(harness.settled)
    harness.check_books()


def test_what_version_1_0_0_has_learned_of_tokens_is_taken_over(server: BotHarness) -> None:
    settings = server.start().db.settings
    settings.put("calibration:sandbox-poet", "2.512")
    settings.put("calibration:broken", "x")
    server.restart()
    person = server.at_summary()
    server.says(TEXT)
    begin(person)
    person.wait("Смотритель не спал.")
    until(server.is_idle)
    server.stop()
    kept = json.loads(server.db.value("setting", "value", key="calibration:sandbox-poet"))
    assert 2 < kept["cyrillic"] < 6


# ---------------------------------------------------------------------- pieces


def test_lines_of_the_prompt_before_an_answer_are_left_out() -> None:
    echo = PromptEcho(
        [Message("system", "Ты писатель.\nЖанр истории: фэнтези."), Message("user", "Продолжи историю сейчас.")]
    )
    assert echo.without("Жанр истории: фэнтези\n\nПродолжи историю сейчас.\nМаяк погас.") == "Маяк погас."
    assert echo.without("Маяк погас.\nЖанр истории: фэнтези.") == "Маяк погас.\nЖанр истории: фэнтези."
    assert echo.without("Жанр истории: фэнтези.") == "Жанр истории: фэнтези."
    assert echo.without("Жанр ист", growing=True) == ""
    assert echo.without("Жанр был", growing=True) == "Жанр был"
    assert echo.without("Жанр истории: фэнтези.\nМаяк", growing=True) == "Маяк"


def test_a_system_text_stands_before_the_first_words_of_a_user() -> None:
    system, user, said = Message("system", "С"), Message("user", "П"), Message("assistant", "О")
    assert without_system([system, user, said]) == (Message("user", "С\n\nП"), said)
    assert without_system([system, said]) == (Message("user", "С"), said)
    assert without_system([user, said]) == (user, said)
