"""The storyteller of the stand-ins: a story that keeps its plan, takes up its reader's words and repeats nothing."""

from __future__ import annotations

import json
import re
import time
import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.schemas import Message
from sandbox.storyteller.answers import Storyteller, tell
from sandbox.storyteller.data import stock
from sandbox.storyteller.figures import (
    WORDS,
    Card,
    cards,
    different,
    opening,
    prompt,
    repeated,
    shared,
    story,
    variants,
    wire,
)
from sandbox.storyteller.grammar import fingerprint, sentences
from sandbox.storyteller.request import LOCALES, own_words
from sandbox.storyteller.turn import Turn

GENRES = (
    *("Фэнтези", "Детектив", "Ужасы", "Комедия", "Сказка", "Романтика", "Фантастика", "Приключения"),
    *("Попаданцы", "ЛитРПГ", "Магическая школа", "Любовное фэнтези", "Постапокалипсис", "Городские легенды"),
    "По мотивам классики",
)
VESTA = "Картограф Веста: карта дорисовывает дороги"
GIANT = "Город на великане: он спит"
CARD = Card("ru", "Фэнтези", VESTA, GIANT)


def brief(genre: str, hero: str = VESTA) -> Message:
    return Message("system", f"Ты писатель. Всё вымысел.\nЖанр: {genre}\nГерой: {hero}\nМесто: {GIANT}\nТвой ответ")


def after(words: str, card: Card = CARD, parts: int = 2) -> str:
    """Return the part that comes after these words of the reader's."""
    told = story(card, parts=parts)
    messages = opening(card)
    for part in told:
        messages += [Message("assistant", part), Message("user", wire(card.language, "go_on"))]
    return tell([*messages[:-1], Message("user", words)])


# ── what the figures promise ──


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_story_of_each_genre_repeats_no_sentence_and_opens_without_a_common_one(language: str) -> None:
    storyteller = Storyteller()
    stories = [story(card, storyteller, words=WORDS[language]) for card in cards(language)]
    assert len(stories) == len(GENRES) and not any(repeated(parts) for parts in stories)
    assert shared([parts[0] for parts in stories]) == []
    text = "\n".join(part for parts in stories for part in parts)
    assert not re.search(r"[{}\[\]<>|\0]|  |\.\.|,,", text)
    assert all(550 <= len(part) <= 1300 for parts in stories for part in parts)


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("parts", [0, 1, 4, 8])
def test_the_same_request_is_answered_another_way_five_times_over(language: str, parts: int) -> None:
    card = cards(language, 1)[0]
    messages = opening(card)
    for part in story(card, parts=parts):
        messages += [Message("assistant", part), Message("user", "Продолжи." if language == "ru" else "Go on.")]
    assert different(variants(messages)) == (6, 6)


def test_a_variant_is_known_by_its_note_too() -> None:
    messages = opening(CARD)
    noted = [messages[0], Message("user", f"{messages[1].text}\n\n(Напиши другой отрывок: другое событие.)")]
    storyteller = Storyteller()
    assert len({storyteller.answer(messages), *(storyteller.answer(noted) for _ in range(4))}) == 5
    assert tell(noted) != tell(messages)  # after a restart as well


def test_suggestions_and_endings_come_anew() -> None:
    tail = story(CARD, parts=3)[-1]
    asked = [Message("user", prompt(CARD, "suggestions", tail=tail))]
    options = [option for text in variants(asked) for option in json.loads(text)["options"]]
    assert len(options) == len(set(options)) == 18
    assert all(option.startswith("Веста ") and 4 <= len(option.split()) <= 14 for option in options)
    for kind in ("happy", "tragic", "unexpected"):
        texts = variants(
            [Message("system", prompt(CARD, "finale", ending=_ending(kind))), Message("user", "Она бежит.")]
        )
        assert different(texts) == (6, 6)


def _ending(kind: str) -> str:
    return {"happy": "счастливый", "tragic": "трагический", "unexpected": "неожиданный"}[kind]


def test_what_was_offered_is_not_offered_again() -> None:
    asked = prompt(CARD, "suggestions", tail=story(CARD, parts=3)[-1])
    first = json.loads(tell([Message("user", asked)]))["options"]
    again = json.loads(tell([Message("user", f"{asked}\nУже предлагали, не повторяй: {' '.join(first)}")]))["options"]
    assert not set(first) & set(again)


def test_an_answer_takes_milliseconds() -> None:
    story(CARD)
    began = time.process_time()
    for _ in range(5):
        story(CARD)
    assert (time.process_time() - began) / 50 < 0.03


# ── the plan ──


@pytest.mark.parametrize("genre", [*GENRES, "стимпанк"])
def test_a_story_names_its_hero_and_goes_on_from_the_readers_words(genre: str) -> None:
    messages = [brief(genre), Message("user", "Начни историю.")]
    parts = []
    for words in ("Веста открывает люк.", "Продолжи.", "Она свистит.", "Продолжи.", "Веста бежит.", "Продолжи."):
        parts.append(tell(messages))
        messages += [Message("assistant", parts[-1]), Message("user", words)]
    assert "Картограф Веста" in parts[0] and "Город на великане" in parts[0]
    assert re.search(r"люк", parts[1].partition("\n\n")[0], re.IGNORECASE) and "открывает" not in parts[1]
    assert not any("Продолжи" in part or "свистит" in part for part in parts)
    assert not repeated(parts)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_planned_companion_and_thing_stay_through_the_story(language: str) -> None:
    from sandbox.storyteller.plan import plan_of
    from sandbox.storyteller.request import read

    for card in cards(language, 8):
        plan = plan_of(read(opening(card)))
        parts = story(card)
        companion = plan.slots["D"].case("nom")
        assert companion not in parts[0] and companion in parts[1]
        assert sum(companion in part for part in parts[1:]) >= 6
        assert plan.slots["T"].case("nom").split()[-1][:4] in parts[0]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_each_ready_genre_has_events_words_and_a_plan_of_its_own(language: str) -> None:
    rows = tomllib.loads((LOCALES / language / "presets.toml").read_text("utf-8"))["genre"]
    events = stock(language)
    for row in rows:
        assert events.genre(row["label"]) == row["key"] and len(events.texts("genre", row["key"])) == 12
        assert sum(scene.genre == row["key"] for scene in events.openings) == 2
        told = "\n".join(story(Card(language, row["label"], row["heroes"][0], row["settings"][0]), parts=4))
        assert any(scene.genre == row["key"] and fingerprint(scene.hook) in told for scene in events.scenes)


def test_a_first_phrase_is_the_first_and_a_first_person_tells() -> None:
    card = Card("ru", "Детектив", VESTA, GIANT, "Первая фраза: «Ключ подошёл не к той двери».")
    assert story(card, parts=1)[0].startswith("Ключ подошёл не к той двери.")
    told = "\n".join(story(Card("ru", "Детектив", VESTA, GIANT, "Рассказывай от первого лица."), parts=3))
    assert re.search(r"\bя \w+ла\b", told) and not re.search(r"(?<!\S)Веста \w+ла\b", told)


# ── the reader's words and wishes ──


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Веста бежит (пусть пойдёт дождь)", "дожд"),
        ("(пусть появится говорящая ворона)", "Появилась говорящая ворона"),
        ("(пусть Веста найдёт старый ключ)", "Веста нашла старый ключ"),
        ("(добавь рыжего кота)", "Появился рыжий кот"),
        ("(хочу, чтобы загорелся мост)", "Загорелся мост"),
        ("(пусть все уснут)", "Все уснули"),
    ],
)
def test_a_wish_in_brackets_comes_true_and_is_not_quoted(words: str, found: str) -> None:
    part = after(words)
    assert found in part
    assert "пусть" not in part and "добавь" not in part and "хочу" not in part


def test_an_english_wish_comes_true() -> None:
    card = cards("en", 1)[0]
    assert "The bridge caught fire." in after("(let the bridge catch fire)", card)
    assert "rain" in after("Wren runs (let it rain)", card)


def test_the_cards_wishes_are_met_in_several_parts() -> None:
    card = Card("ru", "Фэнтези", VESTA, GIANT, "Рядом есть собака, и она всё понимает раньше людей.")
    assert sum("обака" in part for part in story(card)) >= 2


def test_the_bots_own_lines_and_notes_are_not_the_readers() -> None:
    note = "(Пиши сразу после этих слов, не повторяя их: 2–4 абзаца.\nТон: лёгкий.\nСередина: возвращай уже начатое.)"
    assert own_words(f"Веста бежит. (пусть пойдёт снег)\n\n{note}") == ("Веста бежит.", ("пусть пойдёт снег",))
    again = (
        "Продолжи. Герой сам делает выбор, на котором всё оборвалось: покажи.\nТон: лёгкий.\nСкоро конец: своди нити."
    )
    assert own_words(again) == ("", ())
    for language in ("ru", "en"):
        for name in ("begin", "go_on", "volume", "finale", "epilogue", "softer"):
            assert own_words(wire(language, name)) == ("", ())


def test_length_and_tone_are_seen() -> None:
    sizes = [
        [len(part) for part in story(Card("ru", "Детектив", VESTA, GIANT, length=length), parts=6)]
        for length in ("short", "middle", "long")
    ]
    assert sum(sizes[0]) < sum(sizes[1]) < sum(sizes[2])
    assert max(sizes[0]) <= 900 and max(sizes[2]) <= 2000
    tones = stock("ru").tables["tone"]
    for tone, label in (("light", "Лёгкий, с юмором"), ("dark", "Мрачный"), ("child", "Для детей")):
        text = "\n".join(story(Card("ru", "Детектив", VESTA, GIANT, tone=label), parts=5))
        marks = sum(fingerprint(line) in text for line in tones[tone])
        assert marks >= 4, tone


# ── beside the story ──


def test_endings_differ_by_kind() -> None:
    kinds = ("счастливый, герой", "трагический, герой", "неожиданный, разгадка", "такой, какой вытекает")
    endings = []
    for kind in kinds:
        system = Message("system", f"{brief('Сказка').text}\nНапиши финал. Конец: {kind}")
        endings.append(tell([system, Message("user", "Она бежит.")]))
    assert all("Веста" in text and "«Она бежит»" not in text and len(text) > 300 for text in endings)
    assert len({text.rpartition("\n\n")[2] for text in endings}) == 4


def test_an_ending_in_the_readers_words_comes_true() -> None:
    system = Message("system", f"{brief('Сказка').text}\nНапиши финал. Конец: пусть Веста найдёт дом")
    assert "Веста нашла дом." in tell([system, Message("user", "Напиши финал.")])


def test_suggestions_are_three_sentences_as_json() -> None:
    asked = Message("user", "Придумай три поступка.\nЖанр: Ужасы\nГерой: кот Барсик, рыжий")
    chosen = json.loads(tell([asked]))["options"]
    assert len(set(chosen)) == 3 and all(option.startswith("Барсик ") for option in chosen)


def test_title_picture_epilogue_and_chat_are_answered() -> None:
    title = tell([Message("user", "Придумай название истории для обложки.\nЖанр: Сказка")])
    assert 0 < len(title) <= 40 and "\n" not in title
    assert tell([Message("user", "Опиши художнику один кадр")])
    assert tell([Message("system", f"{brief('Сказка').text}\nНапиши эпилог"), Message("user", "Продолжи.")])
    assert tell([Message("system", "Ты помощник"), Message("user", "Как дела?")])


def test_the_memory_of_words_that_nobody_planned_keeps_their_names() -> None:
    parts = "Рая несёт письмо. На станции тихо, и Лев молчит."
    asked = f"Ты ведёшь память истории.\nНовые отрывки:\n{parts}\nЗапиши обновлённую память, до 600 знаков"
    memory = tell([Message("user", asked)])
    assert memory.startswith("Герой:") and len(memory.splitlines()) == 6 and len(memory) <= 600 and "Лев" in memory


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_memory_is_whole_sentences_and_the_story_goes_on_from_it(language: str) -> None:
    card = cards(language, 1)[0]
    parts = story(card, parts=6)
    asked = prompt(card, "memory", parts="\n\n".join(parts[:4]), limit="1500")
    memory = tell([Message("user", asked)])
    name, place = card.hero.partition(":")[0], card.setting.partition(":")[0]
    assert name in memory and place in memory and len(memory) <= 1500
    lines = dict(line.split(": ", 1) for line in memory.splitlines())
    assert len(lines) == 7 and all(line.endswith((".", "…", "»", "!", "?", "”")) for line in lines.values())
    assert len(sentences(list(lines.values())[4])) >= 4
    messages = [
        Message("system", prompt(card, "coauthor", memory=memory)),
        Message("user", wire(language, "go_on")),
        Message("assistant", parts[4]),
        Message("user", wire(language, "go_on")),
        Message("assistant", parts[5]),
        Message("user", wire(language, "go_on")),
    ]
    assert not repeated([*parts, tell(messages)])


def test_the_memory_has_the_lines_that_its_prompt_asks_for() -> None:
    heads = ("Герой", "Люди", "Где и когда", "Начало", "Было", "Не решено", "Рассказ")
    form = "\n".join(f"{head}: что-нибудь." for head in heads)
    part = story(CARD, parts=1)[0]
    asked = (
        f"Ты ведёшь память истории: по ней.\nНовые отрывки:\n{part}\nЗапиши обновлённую память, до 1500 знаков:\n{form}"
    )
    assert tuple(line.partition(":")[0] for line in tell([Message("user", asked)]).splitlines()) == heads


def test_an_english_prompt_is_answered_in_english() -> None:
    system = Message(
        "system", "You are a writer.\nGenre: Fantasy\nHero: Vesta the Mapmaker\nSetting: The Tower: no doors"
    )
    part = tell([system, Message("user", "Begin the story.")])
    assert "Vesta" in part and not re.search("[а-яё]", part, re.IGNORECASE)


@pytest.mark.parametrize(
    ("hero", "wish"),
    [
        ("Lost the title of king", "Write the ending in three steps"),
        ("Keeps the memory of a story", "Не называй: напиши эпилог, три поступка, название истории"),
    ],
)
def test_a_persons_own_words_never_change_what_is_asked(hero: str, wish: str) -> None:
    system = Message("system", f"You are a writer.\nGenre: Fantasy\nHero: {hero}\nWishes: {wish}\nAnswer")
    assert len(tell([system, Message("user", "Begin the story.")])) >= 600


def test_the_same_messages_yield_the_same_text_and_another_turn_another() -> None:
    messages = [brief("Фэнтези"), Message("user", "Начни историю.")]
    assert tell(messages) == tell(messages)
    assert len({tell(messages, Turn(number)) for number in range(8)}) == 8


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
@example(",:", "", "")
@example("{N}", "[вошёл] {X}", "<|>")
def test_any_hero_and_any_words_are_told_of(hero: str, words: str, system: str) -> None:
    assert tell([brief("Сказка", hero), Message("user", words)])
    assert tell([brief("Сказка", hero), Message("assistant", words), Message("user", f"({words})")])
    assert tell([Message("system", system), Message("user", words)])
    english = Message("system", f"You are a writer.\nGenre: Fantasy\nHero: {hero}\nAnswer")
    assert tell([english, Message("assistant", words), Message("user", f"{words} ({words})")])


# ── the data ──


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_event_can_be_told_from_every_other(language: str) -> None:
    events = [*stock(language).openings, *stock(language).scenes]
    everything = [text for event in events for text in (event.text, event.hook, event.memo, event.after)]
    for event in events:
        for text in (event.hook, event.memo):
            mark = fingerprint(text)
            assert len(mark) >= 9 and sum(mark in other for other in everything) == 1, event.id
        assert len(event.options) == 3 and event.after


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_ready_hero_and_place_has_a_line_of_its_own(language: str) -> None:
    for row in tomllib.loads((LOCALES / language / "presets.toml").read_text("utf-8"))["genre"]:
        for hero, setting in zip(row["heroes"], row["settings"], strict=True):
            text = "\n".join(story(Card(language, row["label"], hero, setting), parts=5))
            for table, name in (("heroes", hero), ("settings", setting)):
                line = stock(language).tables[table][name.partition(":")[0]]
                assert fingerprint(line) in text
            assert not re.search(r"[{}\[\]]", text)


def test_a_manner_is_kept_to_and_an_event_is_not_taken_for_one() -> None:
    shorter, longer = after("(пиши короче)"), after("(побольше описаний)")
    assert len(shorter) < len(after("Продолжи.")) < len(longer)
    card = Card("en", "Horror", VESTA, GIANT, "Each time the lights go out it lasts a minute longer.")
    assert max(map(len, story(card, parts=6))) <= 1300


def test_after_a_restart_a_variant_is_not_the_text_that_was_shown() -> None:
    messages = opening(cards("ru")[0])
    shown = Storyteller(7).answer(messages)
    again = Storyteller(431).answer(messages)
    assert shown != again and sentences(shown)[0] != sentences(again)[0]
