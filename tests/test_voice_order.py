"""Voice messages among other messages: in order, waiting, stopped, after a kill."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bot_database import Not
from tests.harness import BotHarness, until
from tests.poisoned_bot import DEADLY, DEATH
from tests.recordings import recording
from tests.test_voice import PRICE, hears


def test_what_comes_after_a_voice_message_waits_for_its_words(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Какую историю")
    hears(harness, "сказка", "кот", first_chunk_s=0.3)
    person.voice(recording())
    person.voice(recording())
    person.send("лес")
    person.send("Пропустить")
    card = person.wait("Начинаем?").text
    assert [line.split(": ")[-1] for line in card.splitlines() if ": " in line][:3] == ["Сказка", "кот", "лес"]
    assert not [message for message in person.bot_messages if "Я ещё пишу" in message.text]


def test_a_chat_that_is_resumed_too_early_loses_no_words(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Он шёл долго.", first_chunk_s=0.4)
    person.press("▶️ Дальше")
    hears(harness, "Он упал", first_chunk_s=0.4)
    harness.says("Ему помогли.")
    harness.says("Все рады.")
    person.voice(recording())
    person.send("Он встал")
    until(lambda: harness.models.of("stt"))
    assert harness.app is not None
    harness.app.chats.resume(1)
    person.wait("Все рады.")
    asked = [prompt[-1]["text"] for prompt in harness.prompts()][-2:]
    assert "Он упал" in asked[0] and "Он встал" in asked[1]
    until(harness.settled)


def test_a_voice_message_while_the_model_writes_waits_in_order_as_words_do(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds("Он шёл долго.", "Ему помогли.", "Все рады.")
    person.press("▶️ Дальше")
    hears(harness, "Он упал")
    person.voice(recording())
    assert "✖️ Не надо" in person.wait("Я ещё пишу").labels
    person.send("Он встал")
    held.set()
    person.wait("Все рады.")
    asked = [prompt[-1]["text"] for prompt in harness.prompts()][-2:]
    assert "Он упал" in asked[0] and "Он встал" in asked[1]
    until(harness.settled)


def test_a_voice_message_is_one_of_the_five_that_wait_and_can_be_taken_back(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds("Он шёл долго.")
    person.press("▶️ Дальше")
    for _ in range(5):
        person.voice(recording())
        person.wait("Я ещё пишу")
    person.voice(recording())
    person.wait("Этого я не взял")
    for message in [message for message in person.bot_messages if "✖️ Не надо" in message.labels]:
        person.tap("✖️ Не надо", message).wait_answer()
    held.set()
    person.wait("Он шёл долго.")
    until(harness.settled)
    assert not harness.models.of("stt")


def test_a_wizard_goes_on_in_order_while_a_story_is_written_elsewhere(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds("Он шёл долго.")
    person.press("▶️ Дальше")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("📖 Новая история")
    person.wait("Какую историю")
    hears(harness, "сказка")
    person.voice(recording())
    person.send("кот учёный")
    held.set()
    person.wait("Где всё случится")
    draft = harness.app.db.drafts[1]  # type: ignore[union-attr]
    assert (draft.genre, draft.hero) == ("Сказка", "кот учёный")


@pytest.mark.parametrize("way", ["стоп", "/cancel"])
def test_a_stop_overtakes_and_ends_the_hearing(harness: BotHarness, way: str) -> None:
    person = harness.writer()
    before = harness.db.balance()
    hears(harness, "Он упал", first_chunk_s=5.0)
    person.voice(recording())
    until(lambda: harness.models.of("stt"))
    person.send("Все ушли")
    harness.says("Стало пусто.")
    person.send(way)
    person.wait("не слушаю")
    person.wait("Стало пусто.")
    assert not [message for message in person.bot_messages if "🎙" in message.text]
    until(harness.settled)
    assert harness.db.value("call", "charged", purpose="hearing") == 0 and harness.db.balance() < before
    assert harness.db.count("turn", hint=Not("")) == 0


# ---------------------------------------------------------------------- kills


def test_killed_right_after_it_has_heard_the_words_are_taken_once(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    process = harness.process("-m", "tests.poisoned_bot")
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Какую историю")
    hears(harness, DEADLY)
    person.voice(recording())
    person.send("кот")
    assert process.wait(10) == DEATH
    assert harness.db.count("call", state="settled") == 1
    harness.process()
    person.wait("Где всё случится")
    until(harness.settled)
    assert (harness.db.value("draft", "genre"), harness.db.value("draft", "hero")) == (
        DEADLY,
        "кот",
    )
    assert len(harness.models.of("stt")) == 1 and harness.db.balance() == 30_000 - PRICE
    assert [message.text for message in person.bot_messages].count(f"🎙 {DEADLY}") in (1, 2)
