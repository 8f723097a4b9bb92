"""Cutting: by units, at nice places, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text import plain_text, shorten, split, tail, utf16_length

LETTERS = st.sampled_from(
    ["а", "б", "Z", " ", " ", "\n", "\n\n", ". ", "!", "…» ", "😀", "👨‍👩‍👧", "e\u0301", "\u2028", "\t"]
)
TEXTS = st.lists(LETTERS, max_size=120).map("".join)
LIMITS = st.integers(2, 40)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def without_space(text: str) -> str:
    return "".join(text.split())


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_length_is_counted_in_utf16_units(text: str) -> None:
    assert utf16_length(text) == units(text)


@settings(max_examples=300, deadline=None)
@given(TEXTS, LIMITS)
def test_pieces_fit_are_not_empty_and_lose_nothing(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(units(piece) <= limit and piece.strip() for piece in pieces)
    assert without_space("".join(pieces)) == without_space(text)


@settings(deadline=None)
@given(TEXTS, LIMITS)
def test_tail_is_an_end_of_the_text_that_fits(text: str, limit: int) -> None:
    end = tail(text, limit)
    assert text.endswith(end)
    assert units(end) <= limit


@settings(deadline=None)
@given(TEXTS, LIMITS)
def test_shortened_text_fits_and_begins_as_the_whole(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert units(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@pytest.mark.parametrize("text", ["а" * 4096, "😀" * 2048, "слово " * 682 + "конец."[:4]])
def test_exactly_the_limit_is_one_piece(text: str) -> None:
    assert utf16_length(text) == 4096
    assert split(text) == [text]


def test_one_unit_more_is_two_pieces() -> None:
    assert [len(piece) for piece in split("а" * 4097)] == [4096, 1]
    assert [utf16_length(piece) for piece in split("а" + "😀" * 2048)] == [4095, 2]


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("Раз. Два.\nТри.\n\nЧетыре пять", 20, ["Раз. Два.\nТри.", "Четыре пять"]),
        ("Раз. Два.\nТри четыре пять", 18, ["Раз. Два.", "Три четыре пять"]),
        ("Раз два. Три четыре пять", 18, ["Раз два.", "Три четыре пять"]),
        ("— Стой! — крикнул он. «Ни шагу!» Тишина настала", 36, ["— Стой! — крикнул он. «Ни шагу!»", "Тишина настала"]),
        ("раз два три", 8, ["раз два", "три"]),
        ("раз два три", 7, ["раз два", "три"]),
        ("аб\n\nвгдежзиклмнопрс", 12, ["аб", "вгдежзиклмно", "прс"]),
        ("абвгд", 2, ["аб", "вг", "д"]),
        ("a\u0301a\u0301a\u0301", 3, ["a\u0301", "a\u0301", "a\u0301"]),
        ("  \n \n", 2, []),
        ("", 5, []),
    ],
)
def test_cuts_at_the_nicest_place(text: str, limit: int, pieces: list[str]) -> None:
    assert split(text, limit) == pieces


def test_tail_begins_at_a_nice_place() -> None:
    assert tail("Раз два три.\n\nЧетыре. Пять шесть семь", 30) == "Четыре. Пять шесть семь"
    assert tail("Раз два три. Четыре пять шесть семь", 28) == "Четыре пять шесть семь"
    assert tail("один два три четыре", 10) == "три четыре"
    assert tail("абвгдежз", 3) == "ежз"


def test_shorten_keeps_whole_words() -> None:
    assert shorten("Маяк на краю света", 100) == "Маяк на краю света"
    assert shorten("Маяк на краю, где свет", 14) == "Маяк на краю…"
    assert shorten("Превысокомногорассмотрительствующий", 8) == "Превысо…"


def test_plain_text_is_what_a_reader_sees() -> None:
    assert plain_text("<b>Маяк</b> &amp; <a href='x'>море</a>, 2 < 3 <i>и") == "Маяк & море, 2 < 3 и"
