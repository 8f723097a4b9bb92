"""Which words of a text name a card: in any case of Russian, and no other ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.cards import LIMITS, CardText, faults, tidy, tidy_note, typed
from conversation.naming import forms_of, named, names, spoken


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Веста", "Он увидел Весту."),
        ("Веста", "— Вестой! — крикнул он."),
        ("Пантелей", "Подошли к Пантелею."),
        ("Лев", "У Льва нет часов."),
        ("Павел", "Ушли с Павлом."),
        ("Пётр", "Дом Петра пуст."),
        ("Юрий", "Гордился Юрием."),
        ("Мария", "У Марии ключ."),
        ("Ассоль", "За Ассолью шли."),
        ("Чехов", "Не спорь с Чеховым."),
        ("боец", "Не видно бойца."),
        ("фонарщица", "Ключи у Фонарщицы."),
        ("Чёрный замок", "Вышли к Черному замку."),
        ("Северный порт", "Огни в северном порту."),
        ("Тётушка Веста", "Весту не нашли."),
        ("Иван Кузьмич", "Позвали Кузьмича."),
        ("lantern", "Two lanterns burned."),
        ("Vesta", "It was Vesta's lamp."),
    ],
)
def test_a_name_is_known_in_its_forms(name: str, text: str) -> None:
    assert names(name, spoken(text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Веста", "Невеста и вести."),
        ("Северный порт", "Подул северный ветер. Северный край."),
        ("Тётушка Веста", "Пришла чья-то тётушка."),
        ("маяк", "Маячил огонёк."),
        ("Пётр", "Перо упало."),
        ("Vesta", "He wore a vest."),
        ("—", "— Да. —"),
    ],
)
def test_other_words_are_not_the_name(name: str, text: str) -> None:
    assert not names(name, spoken(text))


@given(st.text(max_size=30), st.text(max_size=60))
def test_any_name_in_any_text_is_looked_for(name: str, text: str) -> None:
    names(name, spoken(text))
    words = spoken(name).words
    assert all(word in forms_of(word) for word in words)
    assert not words or names(name, spoken(f"{text} {name}"))


@pytest.mark.parametrize(
    ("line", "card"),
    [
        ("Веста — зажигает огни", CardText("Веста", "зажигает огни")),
        ("Веста, фонарщица,  хозяйка - зажигает огни", CardText("Веста", "зажигает огни", "фонарщица, хозяйка")),
        ("Веста: зажигает: огни", CardText("Веста", "зажигает: огни")),
        ("Веста\nзажигает\nогни", CardText("Веста", "зажигает огни")),
        ("Анна-Мария — сестра", CardText("Анна-Мария", "сестра")),
        ("Веста", CardText("Веста", "")),
        ("— сестра", CardText("", "сестра")),
    ],
)
def test_a_card_is_typed_on_a_line(line: str, card: CardText) -> None:
    assert typed(line) == card


def test_a_card_is_typed_again_as_it_is_shown() -> None:
    card = tidy({"name": " Веста,\n", "about": "зажигает\nогни", "words": ",фонарщица,, маяк ,"})
    assert card == CardText("Веста", "зажигает огни", "фонарщица, маяк") and typed(card.line) == card
    assert card.callers == ("Веста", "фонарщица", "маяк") and named(card.callers, spoken("у фонарщицы"))


def test_a_card_has_a_name_and_a_text_and_keeps_to_its_limits() -> None:
    assert faults(CardText("Веста", "фонарщица")) == []
    assert faults(CardText("—", "", "?")) == [("name", "empty"), ("about", "empty"), ("words", "empty")]
    long = CardText(*("а" * (limit + 1) for limit in LIMITS.values()))
    assert [fault for _, fault in faults(long)] == ["long"] * 3


def test_a_note_is_one_line_without_brackets_around_it() -> None:
    assert tidy_note(" (никто\nне умирает) ") == "никто не умирает"
    assert tidy_note("(а) и (б)") == "(а) и (б)"
