"""What is asked beside a story's text: suggestions, a title, a picture, a memory; and the prompts of talks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from core.schemas import Message
from database import Prompt, Story
from sandbox.users import ChatUser
from tests.harness import BotHarness
from tests.ready_made import shipped_locales
from turns.chat_prompts import character_memory_messages
from turns.story_prompts import cover_messages, hero_of, picture_messages

LOCALES = shipped_locales()
STORY: dict[str, Any] = {one.name: None for one in fields(Story) if one.name != "finished"} | {
    "genre": "Детектив",
    "hero": "Смотритель",
    "setting": "Остров",
    "title": "Ключ от маяка",
}
PROMPT: dict[str, Any] = {one.name: None for one in fields(Prompt) if one.name != "kind"} | {"text": "Стало светло."}


def asked(harness: BotHarness, words: str) -> list[str]:
    """Return the prompts of one message that have these words in their first line, oldest first."""
    return [prompt[0]["text"] for prompt in harness.prompts() if words in prompt[0]["text"].partition("\n")[0]]


def go_on(harness: BotHarness, person: ChatUser, *texts: str) -> None:
    for text in texts:
        harness.says(text)
        person.press("▶️ Дальше")
        person.wait(text)


def suggest(harness: BotHarness, person: ChatUser, *options: str) -> None:
    harness.says("\n".join(f"{place}. {option}" for place, option in enumerate(options, start=1)))
    person.press("💡 Подскажи")
    person.wait("Выберите или напишите своё")


def test_suggestions_know_three_texts_the_settings_and_what_was_offered(harness: BotHarness) -> None:
    person = harness.writer(words="Первая.")
    go_on(harness, person, "Вторая.", "Третья.", "Четвёртая.")
    harness.db.change("story", tone="Мрачный", extra="Без чаек")
    suggest(harness, person, "Он сел.", "Он лёг.", "Он спел.")
    first = asked(harness, "три поступка")[-1]
    assert "Вторая.\n\nТретья.\n\nЧетвёртая." in first and "Первая." not in first
    for line in ("Место: Остров", "Пожелания: Без чаек", "Тон: мрачный: короткие фразы"):
        assert line in first
    assert "Уже предлагали" not in first
    suggest(harness, person, "Он встал.", "Он ушёл.", "Он умолк.")
    assert "Уже предлагали, не повторяй: Он сел.; Он лёг.; Он спел." in asked(harness, "три поступка")[-1]
    go_on(harness, person, "Пятая.")
    suggest(harness, person, "Он ждал.", "Он пел.", "Он ел.")
    assert "Уже предлагали" not in asked(harness, "три поступка")[-1]


def test_a_title_knows_the_first_lines(harness: BotHarness) -> None:
    person = harness.writer(words="Маяк погас в полночь.")
    go_on(harness, person, "Лодка ушла.")
    harness.says("И стало светло.")
    harness.says("Ключ от маяка")
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    person.press("😊 Счастливый")
    person.wait("Дописали!")
    title = asked(harness, "название истории")[-1]
    assert "Первые строки: Маяк погас в полночь." in title and "И стало светло." in title


def illustrate(harness: BotHarness, person: ChatUser) -> str:
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🎨 Иллюстрация")
    person.wait("Нарисую последнюю часть")
    harness.says("Старик с фонарём.")
    person.tap("🎨 Нарисовать")
    person.wait(lambda message: message.attachment is not None and message.attachment.kind == "photo")
    return asked(harness, "художнику")[-1]


def test_a_picture_has_the_heros_looks_from_the_memory_and_the_genres_style(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(USER_TOKENS=60_000)
    harness.start()
    person = harness.writer(words="Первая.")
    first = illustrate(harness, person)
    assert "Облик героя, не меняй его: Смотритель Маяк: слеп" in first and "вечерний свет, длинные тени" in first
    go_on(harness, person, "Вторая.", "Третья.", "Четвёртая.")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🧠 Память")
    person.wait("помню историю дословно")
    person.send("Герой: Егор, рыжий, в тулупе.\nЛюди: нет.")
    person.wait("Запомнил")
    assert "Облик героя, не меняй его: Егор, рыжий, в тулупе.\n" in illustrate(harness, person)


def test_the_cover_of_a_finished_story_is_described_by_its_title_and_its_last_part() -> None:
    story, ending = Story(**STORY, finished=True), Prompt(**PROMPT, kind="ending")
    [cover] = cover_messages(LOCALES["ru"], story, ending, "")
    assert "обложку" in cover.text and "Название: Ключ от маяка" in cover.text and "без букв" in cover.text
    assert "обложку" not in picture_messages(LOCALES["ru"], story, ending, "")[0].text


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_every_ready_genre_has_a_style_and_every_tone_an_instruction(language: str) -> None:
    texts = LOCALES[language]
    templates = texts.templates()
    styles = [templates[f"prompt.style.{genre.key}"] for genre in texts.genres]
    assert len(set(styles)) == len(styles)
    tones = [key.removeprefix("tone_") for key in texts.labels if key.startswith("tone_") and key != "tone_any"]
    assert tones and all(":" in templates[f"prompt.tone.{tone}"] for tone in tones)


def test_a_memory_without_a_line_of_the_hero_tells_nothing_of_looks() -> None:
    assert hero_of(LOCALES["ru"], "Он ушёл.\nГерой: рыжий.") == "рыжий."
    assert hero_of(LOCALES["ru"], "Всё было хорошо.") == hero_of(LOCALES["ru"], "") == ""


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_the_memory_of_a_story_has_seven_lines_that_begin_with_the_hero(language: str) -> None:
    text = LOCALES[language].templates()["prompt.memory"]
    rows = text.partition("{limit}")[2].splitlines()[1:8]
    assert len(rows) == 7 and all(": " in row for row in rows)
    assert rows[0].startswith(f"{LOCALES[language].prompt('memory_line.hero')}: ")


# ---------------------------------------------------------------------- talks


@pytest.mark.parametrize(("language", "line"), [("ru", "8-800-2000-122"), ("en", "116 111")])
def test_a_listener_names_a_helpline_for_children(language: str, line: str) -> None:
    assert line in LOCALES[language].prompt("role.listener")


@pytest.mark.parametrize(("language", "words"), [("ru", "меньше 18"), ("en", "under 18")])
def test_a_character_guesses_no_gender_and_does_not_flirt_with_minors(language: str, words: str) -> None:
    values = dict.fromkeys(("name", "line", "personality", "memory"), "x")
    assert words in LOCALES[language].prompt("persona.system", **values)


def test_a_character_remembers_by_a_prompt_of_its_own() -> None:
    [message] = character_memory_messages(LOCALES["ru"], "", ())
    assert isinstance(message, Message) and "Между ними:" in message.text


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_genre_has_a_style_of_pictures(language: str) -> None:
    texts = LOCALES[language]
    styles = {texts.prompt(f"style.{genre.key}") for genre in texts.genres}
    assert len(styles) == len(texts.genres) and texts.prompt("style.picture") not in styles
