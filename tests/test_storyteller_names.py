"""The demo's storyteller calls a hero by name, declines it, and knows a she from a he."""

from __future__ import annotations

import json
import re

import pytest

from core.schemas import Message
from sandbox.storyteller import russian
from sandbox.storyteller.answers import tell
from sandbox.storyteller.figures import (
    Card,
    story,
)
from sandbox.storyteller.outline import outline

VESTA = "Картограф Веста: карта дорисовывает дороги"
GIANT = "Город на великане: он спит"


def test_a_heroine_is_a_she_and_a_hero_a_he() -> None:
    for hero, verb in ((VESTA, "ла"), ("Лифтёр Савелий: боится высоты", "л")):
        name = russian.short_name(hero.partition(":")[0])
        text = "\n".join(story(Card("ru", "Фэнтези", hero, GIANT)))
        found = re.findall(rf"(?<![«,])\b{name} (?:не |уже |даже )?(\w+л[аи]?)\b", text)
        assert len(found) > 10 and {re.sub(r"^.*?(л[аи]?)$", r"\1", word) for word in found} == {verb}


@pytest.mark.parametrize(
    ("phrase", "case", "form"),
    [
        ("Лифтёр Савелий", "dat", "Лифтёру Савелию"),
        ("Понятой Геннадий", "gen", "Понятого Геннадия"),
        ("Внучка Яги Ульяна", "acc", "Внучку Яги Ульяну"),
        ("Кот-писарь Пантелей", "ins", "Котом-писарем Пантелеем"),
        ("старый рыбак из Одессы", "dat", "старому рыбаку из Одессы"),
        ("Стряпчий Юст", "dat", "Стряпчему Юсту"),
        ("Таксист Жора", "acc", "Таксиста Жору"),
        ("Дракончик Уголёк", "acc", "Дракончика Уголька"),
        ("Hero", "dat", "Hero"),
        ("Сестра Золушки", "dat", "Сестре Золушки"),
    ],
)
def test_names_are_declined(phrase: str, case: str, form: str) -> None:
    assert russian.person(phrase).case(case) == form


@pytest.mark.parametrize(
    ("described", "short"),
    [
        ("Сестра Золушки", "сестра"),
        ("Доктор при сыщике", "доктор"),
        ("Внучка Яги Ульяна", "Ульяна"),
        ("Марфа из Костромы", "Марфа"),
    ],
)
def test_a_hero_is_called_by_name_or_by_what_they_are(described: str, short: str) -> None:
    assert russian.short_name(described) == short


@pytest.mark.parametrize(
    ("hero", "short"),
    [
        ("Wren the Mapmaker: draws at night", "Wren"),
        ("Sir Percy the Ghost: afraid of the dark", "Percy"),
        ("Elias, Once a Sword: sorry for every cut", "Elias"),
        ("The Other Twin: has no mirror", "The Other Twin"),
        ("Captain Agatha: inherited a map", "Agatha"),
        ("Cinderella's Sister: the slipper fitted", "Cinderella's Sister"),
    ],
)
def test_an_english_hero_is_called_by_name(hero: str, short: str) -> None:
    asked = Message("user", f"Come up with three actions.\nGenre: Fantasy\nHero: {hero}\nAnswer")
    assert all(option.startswith(f"{short} ") for option in json.loads(tell([asked]))["options"])


@pytest.mark.parametrize(
    ("language", "phrase", "hero"),
    [
        (
            "ru",
            "Старый смотритель (пусть он будет глухим): ждёт корабль",
            "Старый смотритель (пусть он будет глухим): ждёт",
        ),
        ("en", "The keeper (let him be deaf) wakes on a ship", "keeper (let him be deaf): wakes on a ship"),
    ],
)
def test_a_wish_in_brackets_stays_beside_the_hero_s_name(language: str, phrase: str, hero: str) -> None:
    opens, closes = ("Замысел", "Четыре поля") if language == "ru" else ("The idea", "Four fields")
    asked = f"{opens}:\n{phrase}\n{closes}"
    assert hero in json.loads(outline(asked, language))["hero"]


def test_of_several_heroes_the_story_is_told_of_one() -> None:
    asked = Message("user", "Придумай три поступка.\nЖанр: Сказка\nГерой: Трое друзей: застряли в лифте\nОтветь")
    options = json.loads(tell([asked]))["options"]
    assert all(option.startswith("Друг ") for option in options)
    asked = Message("user", "Come up with three actions.\nGenre: Fantasy\nHero: Three friends: are stuck\nAnswer")
    assert all(option.startswith("The friend ") for option in json.loads(tell([asked]))["options"])
