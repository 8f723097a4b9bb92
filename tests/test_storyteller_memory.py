"""The storyteller over a run: what a reader saw, also in a variant that isn't kept, doesn't come again."""

from __future__ import annotations

from collections import Counter

import pytest

from core.schemas import Message
from sandbox.storyteller.answers import Storyteller, tell
from sandbox.storyteller.data import stock
from sandbox.storyteller.figures import Card, cards, opening, story, variants, wire
from sandbox.storyteller.grammar import fill, sentences, told
from sandbox.storyteller.plan import plan_of
from sandbox.storyteller.reader import reaction
from sandbox.storyteller.request import read
from tests.test_storyteller import after

RAIN = Card("ru", "Детектив", "Смотрительница Вера: глуха на одно ухо", "Поезд в снегах: билетов не хватает", "Дождь.")


def events_in(text: str, language: str = "ru") -> set[str]:
    return {scene.id for scene in stock(language).scenes if told(scene.hook, text)}


@pytest.mark.parametrize("card", [RAIN, *cards("en", 1)])
def test_six_variants_of_a_part_share_no_sentence(card: Card) -> None:
    first = story(card, parts=1)[0]
    texts = variants([*opening(card), Message("assistant", first), Message("user", wire(card.language, "go_on"))])
    lines = Counter(line for text in texts for line in set(sentences(text)) if " " in line)
    assert [line for line, times in lines.items() if times > 1] == []


@pytest.mark.parametrize("first_variant", [0, 5, 314, 999])
def test_the_event_of_a_variant_comes_neither_later_nor_in_the_next_story(first_variant: int) -> None:
    storyteller = Storyteller(first_variant)
    seen: set[str] = set()
    for card in (RAIN, Card("ru", "Сказка", "Водяной Тихон: боится глубины", "Лес без имён: не называйся")):
        messages = opening(card)
        messages += [Message("assistant", storyteller.answer(messages)), Message("user", "Продолжи.")]
        for _ in range(2):
            shown = [storyteller.answer(messages) for _ in range(3)]
            told_now = [events_in(text) for text in shown]
            assert all(len(events) == 1 for events in told_now)
            assert not any(seen & events for events in told_now) or len(seen) >= 6  # of meetings there are seven
            seen.update(*told_now)
            messages += [Message("assistant", shown[1]), Message("user", "Продолжи.")]
    assert len(seen) >= 10


@pytest.mark.parametrize("first_variant", range(0, 1000, 77))
def test_the_second_part_brings_the_companion_in(first_variant: int) -> None:
    messages = opening(RAIN)
    storyteller = Storyteller(first_variant)
    messages += [Message("assistant", storyteller.answer(messages)), Message("user", "Продолжи.")]
    meetings = {scene.id for scene in stock("ru").scenes if scene.stage == "meeting"}
    assert all(events_in(storyteller.answer(messages)) <= meetings for _ in range(4))


def test_a_second_volume_opens_with_something_else() -> None:
    messages = opening(RAIN)
    storyteller = Storyteller(3)
    first = storyteller.answer(messages)
    volume = Message("user", wire("ru", "volume"))
    assert not set(sentences(first)) & set(sentences(storyteller.answer([messages[0], volume])))
    again = tell([messages[0], volume])  # after a restart as well
    assert [scene.id for scene in stock("ru").openings if told(scene.hook, again) and told(scene.hook, first)] == []


def test_two_women_are_both_women() -> None:
    scene = next(scene for scene in stock("ru").scenes if "Откроется, если один соврёт" in scene.hook)
    texts = []
    for hero in ("Смотрительница Вера: глуха", "Смотритель Пётр: глух"):
        card = Card("ru", "Детектив", hero, "Поезд в снегах: снег")
        slots = plan_of(read(opening(card))).slots
        women = [getattr(slots[name], "gender", "") for name in ("N", "D")] == ["f", "f"]
        texts.append((women, fill(scene.hook, slots)))
    assert all(("Обе прочли" in text) == women and ("Оба прочли" in text) != women for women, text in texts)
    assert any(women for women, _ in texts)


def test_an_adverb_behind_a_noun_is_no_thing() -> None:
    card = cards("en", 1)[0]
    messages = [*opening(card), Message("assistant", story(card, parts=1)[0])]
    for words in ("Kevin read the note again, word by word.", "Kevin put the white stone back."):
        assert "the again" not in (text := tell([*messages, Message("user", words)])) and "the back" not in text


def test_an_adjective_of_the_readers_words_is_no_thing() -> None:
    card = cards("en", 1)[0]
    messages = [*opening(card), Message("assistant", story(card, parts=1)[0])]
    plan = plan_of(read(messages))
    noun = reaction(plan, "He opened the door and saw his own footprint.").noun
    assert noun is not None and noun.case("nom") == "the footprint"


@pytest.mark.parametrize(
    ("card", "wish", "found"),
    [
        (RAIN, "(добавь кота и грозу)", ("кот", "громыхнуло")),
        (cards("en", 1)[0], "(add a fox and snow)", ("fox", "snow")),
    ],
)
def test_two_wishes_in_brackets_both_come_true(card: Card, wish: str, found: tuple[str, ...]) -> None:
    messages = [*opening(card), Message("assistant", story(card, parts=1)[0]), Message("user", wish)]
    text = Storyteller(5).answer(messages).lower()
    assert all(word in text for word in found), text


@pytest.mark.parametrize(
    ("hero", "within"),
    [
        ("Старый смотритель маяка", "старый смотритель маяка"),
        ("The old lighthouse keeper", "the old lighthouse keeper"),
        ("Игорь из тумана", "Игорь из тумана"),
        ("Картограф Веста", "Картограф Веста"),
    ],
)
def test_a_hero_without_a_name_has_no_capital_within_a_sentence(hero: str, within: str) -> None:
    card = Card("en" if hero.isascii() else "ru", "Фантастика", f"{hero}: ищет дорогу", "Порт: туман")
    assert plan_of(read(opening(card))).slots["F"].case("nom") == within


def test_a_part_says_what_is_on_a_card_once() -> None:
    note = (
        "(Пиши сразу после этих слов, не повторяя их: 2–4 абзаца, до 1200 знаков.\nИмей в виду: Прохор — курит трубку.)"
    )
    told = after(f"Он позвал Прохора.\n\n{note}")
    assert "Прохор — курит трубку." in told and told.count("курит трубку") == 1
