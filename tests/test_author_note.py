"""The author's note: what must hold for the next text stands last, right before the model answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness

LAST_OF_PART = "Последняя фраза — то, на что герою придётся ответить.)"
LAST_OF_ALL = "Последняя фраза — действие, предмет или реплика.)"


def said_last(harness: BotHarness, place: int = -1) -> str:
    """Return the last message of a prompt for a text of the story."""
    written = [prompt for prompt in harness.prompts() if prompt[0]["role"] == "system"]
    assert written[place][-1]["role"] == "user"
    return written[place][-1]["text"]


def note_of(said: str) -> str:
    """Return the author's note, which is the last bracket."""
    return said[said.rindex("(") :]


def next_part(harness: BotHarness, person: ChatUser, text: str) -> None:
    harness.says(text)
    person.press("▶️ Дальше")
    person.wait(text)


def another_variant(harness: BotHarness, person: ChatUser) -> None:
    harness.says("Иначе.")
    person.press("🔄 Другой вариант")
    person.wait("Иначе.")


def own_words(harness: BotHarness, person: ChatUser) -> None:
    harness.says("Дверь скрипнула.")
    person.send("Он вошёл в дом.")
    person.wait("Дверь скрипнула.")


def softer(harness: BotHarness, person: ChatUser) -> None:
    harness.models.faults.order(Behaviour(end="filter"))
    person.send("Он взял топор.")
    person.wait("Модель отказалась это писать")
    harness.says("Топор он отложил.")
    person.tap("🔁 Смягчить")
    person.wait("Топор он отложил.")


PARTS: dict[str, Callable[[BotHarness, ChatUser], None]] = {
    "first": lambda harness, person: None,
    "next": lambda harness, person: next_part(harness, person, "Вторая."),
    "words": own_words,
    "variant": another_variant,
    "softer": softer,
}


@pytest.mark.parametrize("kind", PARTS)
def test_the_note_is_the_last_thing_before_a_part(harness: BotHarness, kind: str) -> None:
    person = harness.writer()
    PARTS[kind](harness, person)
    said = said_last(harness)
    assert said.endswith(LAST_OF_PART)
    assert "2–4 абзаца, до 1200 знаков" in note_of(said) and "Пока завязка" in note_of(said)


def test_the_note_is_the_last_thing_before_an_ending_and_an_epilogue_and_a_second_volume(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("И всё.")
    harness.says("Ключ от маяка")
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    person.press("😢 Трагический")
    done = person.wait("И всё.")
    person.wait("Дописали!")
    ending = said_last(harness)
    assert ending.endswith(LAST_OF_ALL)
    assert "до 1800 знаков" in note_of(ending) and "Конец: трагический" in note_of(ending)
    harness.says("Через год.")
    person.tap("✍️ Эпилог", done)
    person.wait("Через год.")
    assert said_last(harness).endswith(LAST_OF_ALL) and "до 900 знаков" in note_of(said_last(harness))
    harness.says("Снова туман.")
    person.tap("📗 Второй том", done)
    person.wait("Снова туман.")
    assert "второй том" in said_last(harness) and said_last(harness).endswith(LAST_OF_PART)


def test_a_model_without_a_system_role_has_the_note_last_too(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_PROVIDER="openai", YANDEX_FOLDER_ID="", OPENAI_MODEL="sandbox-poet")
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    harness.models.refuses = ("system",)
    harness.start()
    person = harness.at_summary()
    harness.models.faults.default = Behaviour(text="Свет погас.")
    person.press("✨ Начать историю")
    person.wait("Свет погас.")
    [message] = harness.models.of("completion")[-1].body["messages"]
    assert message["content"].startswith("Ты писатель.") and message["content"].endswith(LAST_OF_PART)


def test_next_has_the_hero_choose_and_a_variant_asks_for_another_event(harness: BotHarness) -> None:
    person = harness.writer()
    next_part(harness, person, "Вторая.")
    assert said_last(harness).startswith("Продолжи. Герой сам делает выбор")
    another_variant(harness, person)
    said = said_last(harness)
    assert "другое событие, другая первая фраза" in said and "Вторая." not in str(harness.prompts()[-1])


def test_the_note_has_the_tone_as_an_instruction(harness: BotHarness) -> None:
    person = harness.writer()
    harness.db.change("story", tone="Мрачный")
    next_part(harness, person, "Вторая.")
    assert "Тон: мрачный: короткие фразы" in note_of(said_last(harness))
    assert "Тон: мрачный: короткие фразы" in harness.prompts()[-1][0]["text"]
    harness.db.change("story", tone="как у Бианки (тихо)")
    next_part(harness, person, "Третья.")
    assert "Тон: как у Бианки [тихо].\n" in note_of(said_last(harness))


def test_the_stage_follows_the_parts_written_and_what_the_story_has_spent(harness: BotHarness) -> None:
    person = harness.writer()
    for text in ("Вторая.", "Третья.", "Четвёртая."):
        next_part(harness, person, text)
    assert "Середина:" in said_last(harness) and "Пока завязка" in said_last(harness, -2)
    harness.db.change("session", spent=80_000)
    next_part(harness, person, "Пятая.")
    assert "Скоро конец" in note_of(said_last(harness))
