"""A story from one phrase: the card that a model makes of it, and what happens if it doesn't."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.outline import FIELDS, Outline, filled, outline_in
from conversation.steps import WORD_LIMITS, Step
from conversation.story_draft import Draft
from core.schemas import Message
from sandbox.model_faults import Behaviour
from sandbox.storyteller.answers import tell
from sandbox.storyteller.figures import Card, prompt
from sandbox.storyteller.outline import outline
from sandbox.storyteller.request import LOCALES
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.test_kinds import LOCALES as TEXTS

PHRASE = "старый смотритель маяка получает письмо от самого себя"
CARD = {"genre": "фантастика", "hero": "Тихон: ждёт почту", "setting": "Маяк: молчит", "wish": "Пусть идёт снег."}
RU = TEXTS["ru"]


def from_phrase(harness: BotHarness, answer: str, phrase: str = PHRASE) -> ChatUser:
    """Return a newcomer who has sent a phrase for a new story, which the model answers so."""
    person = harness.telegram.user(1, "Анна")
    harness.says(answer)
    to_new_story(person, phrase)
    return person


def to_new_story(person: ChatUser, phrase: str = PHRASE) -> None:
    person.send(phrase)
    person.wait("Куда")
    person.tap("✨ В новую историю")


def test_a_newcomer_reads_the_first_part_after_a_phrase_and_two_presses(harness: BotHarness) -> None:
    person = from_phrase(harness, json.dumps(CARD))
    card = person.wait("Начинаем?").text
    for shown in ("Жанр: Фантастика", "Герой: Тихон: ждёт почту", "Место: Маяк: молчит", PHRASE, "Пусть идёт снег."):
        assert shown in card
    assert "Собираю" not in " ".join(message.text for message in person.bot_messages)
    assert person.keyboard[0] == ("✨ Начать историю",)
    harness.says("Письмо пришло с отливом.")
    person.press("✨ Начать историю")
    person.wait("Письмо пришло с отливом.")
    assert PHRASE in str(harness.prompts()[-1])


@pytest.mark.parametrize(
    "unsaid", ["не указано", "Не указан.", "нет", "не указано в тексте", "—", "Not specified", "N/A"]
)
def test_a_field_that_the_model_has_nothing_for_is_empty(unsaid: str) -> None:
    said = {"genre": unsaid, "hero": f"Агния: {unsaid}", "setting": f"Порт — {unsaid}", "wish": "Не указывай имён."}
    assert outline_in(json.dumps(said)) == Outline("", "Агния", "Порт", "Не указывай имён.")


@pytest.mark.parametrize("label", ["Время", "Время действия", "Time", "Сюжет"])
def test_another_label_is_no_value_of_the_field_above(label: str) -> None:
    assert outline_in(f"Место:\n{label}: ночь\nГерой: Кот").setting == ""
    assert outline_in("Место:\nМаяк: молчит").setting == "Маяк: молчит"


@pytest.mark.parametrize("answer", [json.dumps({"hero": "—" * 300_000 + "х"}), "_" * 30_000, "\n" * 100_000])
def test_an_answer_of_marks_or_blanks_is_read_at_once(answer: str) -> None:
    assert outline_in(answer) == Outline()


def test_nothing_is_asked_before_the_choice(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send(PHRASE)
    person.wait("Куда")
    until(harness.settled)
    assert not harness.prompts()


@pytest.mark.parametrize("answer", ["Не могу обсуждать эту тему.", "{}", '{"hero": 5}', "{" * 3000])
def test_an_answer_without_a_card_leads_into_the_wizard_with_the_phrase_as_wish(
    harness: BotHarness, answer: str
) -> None:
    person = from_phrase(harness, answer)
    assert "Ваша фраза сохранена в пожеланиях" in person.wait("Какую историю напишем").text
    assert harness.db.value("draft", "extra") == PHRASE and person.keyboard[-1] == ("🎲 Мне повезёт", "✖️ Отмена")


def test_half_a_card_asks_for_the_other_half(harness: BotHarness) -> None:
    person = from_phrase(harness, "Жанр: Сказка\nГерой: **Кот**, который считает")
    person.wait("Где всё случится?")
    person.send("Порт")
    person.wait("Шаг 4")
    person.press("✅ Готово")
    assert "Герой: Кот**, который считает" in person.wait("Начинаем?").text


def test_what_the_draft_has_already_stays(harness: BotHarness) -> None:
    person = harness.new_person()
    for words, answer in (("📖 Новая история", "Шаг 1"), ("Ужасы", "Шаг 2"), ("✖️ Отмена", "Черновик")):
        person.send(words)
        person.wait(answer)
    harness.says(json.dumps(CARD))
    to_new_story(person)
    assert "Жанр: Ужасы\nГерой: Тихон" in person.wait("Начинаем?").text
    assert "Уже выбрано: Ужасы" in str(harness.prompts()[-1])


def test_a_second_phrase_makes_a_second_card(harness: BotHarness) -> None:
    person = from_phrase(harness, json.dumps(CARD))
    person.wait("Начинаем?")
    person.press("✖️ Отмена")
    person.wait("Черновик")
    harness.says(json.dumps(CARD | {"hero": "Кот: считает"}))
    to_new_story(person, "Кот, который умел считать")
    card = person.wait("Начинаем?").text
    assert "Герой: Кот: считает" in card and PHRASE not in card


def test_who_has_gone_elsewhere_meanwhile_is_told_where_the_card_is(harness: BotHarness) -> None:
    person = harness.telegram.user(1, "Анна")
    released = harness.holds(json.dumps(CARD))
    to_new_story(person)
    person.wait("Собираю")
    person.press("💬 Чат")
    person.wait("💬 Чат. Истории ждут")
    released.set()
    assert "Тихон: ждёт почту" in person.wait("Карточка новой истории готова").text
    assert person.placeholder == "Спросите что угодно"
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("📖 Новая история")
    assert "Тихон: ждёт почту" in person.wait("Продолжим").text


def test_words_that_come_while_the_card_is_made_are_among_its_wishes(harness: BotHarness) -> None:
    person = harness.telegram.user(1, "Анна")
    released = harness.holds(json.dumps(CARD))
    to_new_story(person)
    assert person.wait("Собираю").labels == ("⏹ Стоп",)
    person.send("И пусть там будет кот.")
    assert "в пожелания новой истории" in person.wait("Добавил").text
    person.send("я" * 990)  # too much for a wish: asked again
    person.wait("Сообщение сохранил")
    released.set()
    card = person.wait("Начинаем?").text
    assert "И пусть там будет кот." in card and PHRASE in card and "Тихон: ждёт почту" in card
    until(harness.settled)
    assert "Собираю" not in " ".join(message.text for message in person.shown)


def test_a_stop_under_the_notice_keeps_the_phrase_and_the_words_after_it(harness: BotHarness) -> None:
    person = harness.telegram.user(1, "Анна")
    harness.models.faults.rule = lambda received: Behaviour(hang=True)
    to_new_story(person)
    notice = person.wait("Собираю")
    until(lambda: len(harness.prompts()) == 1)
    person.send("И кот.")
    person.wait("Добавил")
    assert person.tap("⏹ Стоп", notice).wait_answer().text
    person.wait("карточку не собрал")
    until(harness.settled)
    assert harness.db.value("draft", "extra") == f"{PHRASE}\nИ кот." and harness.nothing_held()
    assert "Собираю" not in " ".join(message.text for message in person.shown)
    person.press("📖 Новая история")
    assert "И кот." in person.wait("Продолжим").text


def test_words_that_come_while_another_turn_runs_get_the_plain_wizard(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.rule = lambda received: Behaviour(hang=True)
    person.press("▶️ Дальше")
    until(lambda: harness.db.open_turns())
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    to_new_story(person)
    person.wait("Какую историю напишем")
    assert harness.db.value("draft", "extra") == PHRASE


def test_a_phrase_in_english_is_asked_in_english(harness: BotHarness) -> None:
    person = harness.telegram.user(1, "Emma", language_code="en")
    person.send("a cat that can count")
    person.wait("Where")
    harness.says(json.dumps(CARD | {"genre": "fairy tale"}))
    person.tap("✨ Into a new story")
    assert "Genre: Fairy tale" in person.wait("Shall we begin?").text
    assert "from a reader's idea" in str(harness.prompts()[-1])


# ── reading answers ──


def test_an_outline_is_read_out_of_any_wrapping() -> None:
    said = json.dumps(CARD, ensure_ascii=False)
    for answer in (
        said,
        f"```json\n{said}\n```",
        f"Вот карточка:\n{said}\nГотово",
        "\n".join(f"{k}: {v}" for k, v in CARD.items()),
    ):
        assert outline_in(answer) == Outline(**CARD)
    assert outline_in(Outline(**CARD).as_json()) == Outline(**CARD)
    assert Outline(wish="Снег.").as_json() == ""


LABELS = (
    {"genre": "Жанр", "hero": "Герой", "setting": "Место", "wish": "Пожелание"},
    {"genre": "Genre", "hero": "Main character", "setting": "Place", "wish": "Wishes"},
    {"genre": "жанр", "hero": "Главная героиня", "setting": "Место действия", "wish": "Пожелания"},
)


@given(
    st.sampled_from(LABELS),
    st.permutations(FIELDS),
    st.sets(st.sampled_from(FIELDS)),
    st.sampled_from(
        ["{}:{}", "{}: {}", "**{}:** {}", "- {}: {}", "**{}**: {}", "{} = {}", '"{}": "{}",', "{}:\n{}", "**{}:**\n{}"]
    ),
    st.sampled_from(["\n", "\n\n", "\n \n"]),
)
def test_an_empty_line_takes_no_other_value(
    labels: dict[str, str], order: list[str], empty: set[str], line: str, between: str
) -> None:
    said = {name: "" if name in empty else CARD[name] for name in order}
    answer = between.join(line.format(labels[name], said[name]) for name in order)
    assert outline_in(answer) == Outline(**said)


@pytest.mark.parametrize(
    ("answer", "outline"),
    [
        ("Жанр:\nТон: мрачный\nГерой: Кот", Outline(hero="Кот")),  # a label of no field
        ("Жанр:\n\nГерой:\nВеста: рыжая", Outline(hero="Веста: рыжая")),
        ("Герой:", Outline()),
        ("Герой:\n\n", Outline()),
        ("Жанр: —\nГерой: Кот", Outline(hero="Кот")),
        ("Вот карточка:\nЖанр: Сказка", Outline(genre="Сказка")),
    ],
)
def test_a_line_without_a_value(answer: str, outline: Outline) -> None:
    assert outline_in(answer) == outline


@given(st.text(max_size=300), st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=400)))
def test_any_answer_fills_a_draft_within_its_limits(answer: str, fields: dict[str, str]) -> None:
    for said in (answer, json.dumps(fields)):
        draft = filled(Draft(extra="ф" * 990), outline_in(said), RU)
        for value, step in ((draft.genre, Step.GENRE), (draft.hero, Step.HERO), (draft.setting, Step.SETTING)):
            assert len(value) <= WORD_LIMITS[step] and "\n" not in value
        assert draft.extra.startswith("ф" * 990) and len(draft.extra) <= WORD_LIMITS[Step.EXTRA]


# ── the stand-in ──


@pytest.mark.parametrize(
    ("language", "phrase", "hero", "setting"),
    [
        ("ru", PHRASE, "Старый смотритель маяка: получает письмо", "Маяк: "),
        ("ru", "Хочу историю про кота, который поёт", "Кот: который поёт", ""),
        ("ru", "убийство в библиотеке", "", "Библиотека: "),
        (
            "en",
            "an old lighthouse keeper gets a letter from himself",
            "The old lighthouse keeper: gets",
            "Lighthouse: ",
        ),
        ("en", "murder in the library", "", "Library: "),
    ],
)
def test_the_stand_in_makes_a_card_of_the_phrases_own_words(
    language: str, phrase: str, hero: str, setting: str
) -> None:
    asked = prompt(Card(language, "", "", ""), "outline", words=phrase, genres="-")
    card = json.loads(tell([Message("user", asked)]))
    assert card["hero"].startswith(hero) and card["setting"].startswith(setting) and card["wish"]
    rows = tomllib.loads((LOCALES / language / "presets.toml").read_text("utf-8"))["genre"]
    assert card["genre"] in {row["label"] for row in rows}


def test_no_hint_is_given_to_who_wrote_on_before_the_first_part_came(harness: BotHarness) -> None:
    person = harness.at_summary(1)
    first = harness.holds("Первая.", "Вторая.")
    person.press("✨ Начать историю")
    until(lambda: harness.db.last("call", "state") == "asked")
    person.send("Пришёл кот.")
    person.wait("Я ещё пишу")
    first.set()
    person.wait("Вторая.")
    assert not any("Теперь ваша очередь" in message.text for message in person.bot_messages)


def test_the_stand_in_finds_the_hero_of_a_brought_text_by_name() -> None:
    for language, asked in (
        (
            "ru",
            "Текст:\nНа краю стоял дом. Жила в нём Марфа. Сосед Игнат ждал. Марфу знали пчёлы.\nЧетыре поля",
        ),
        (
            "en",
            "The text:\nThe house was old. Martha lived there. Hugh waited. The bees knew Martha well.\nFour fields",
        ),
    ):
        assert json.loads(outline(asked, language))["hero"].startswith(("Марфа:", "Martha:"))


def test_the_stand_in_takes_no_heading_for_a_hero() -> None:
    for language, asked in (
        ("ru", "Текст:\nГлава первая.\n\nВеста зажгла фонарь, и порт ожил.\nЧетыре поля"),
        ("en", "The text:\nChapter One\n\nVesta falls asleep in the tower.\nFour fields"),
    ):
        assert json.loads(outline(asked, language))["hero"].startswith(("Веста", "Vesta"))


def test_a_hint_follows_the_very_first_part_and_no_other(harness: BotHarness) -> None:
    person = harness.writer(words="Первая.")
    person.wait("Теперь ваша очередь")
    harness.says("Вторая.")
    person.press("▶️ Дальше")
    person.wait("Вторая.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    harness.says(json.dumps(CARD))
    to_new_story(person)
    person.wait("Начинаем?")
    harness.says("Третья.")
    person.press("✨ Начать историю")
    person.wait("Третья.")
    until(harness.settled)
    assert sum("Теперь ваша очередь" in message.text for message in person.bot_messages) == 1
