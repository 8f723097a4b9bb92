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


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        # a paragraph before a line, a line before a sentence, a sentence before a word, though each comes earlier
        ("Раз два.\n\nТри.\nЧетыре пять шесть", 18, ["Раз два.", "Три.", "Четыре пять шесть"]),
        ("Раз два\nТри. Четыре пять", 15, ["Раз два", "Три.", "Четыре пять"]),
        ("Раз два. Три четыре", 15, ["Раз два.", "Три четыре"]),
        # the gap needn't fit
        ("Раз.\n\nДва три.\n\nЧетыре", 14, ["Раз.\n\nДва три.", "Четыре"]),
        ("Раз.\n\nДва три.\n \n\n Четыре", 14, ["Раз.\n\nДва три.", "Четыре"]),
        ("раз два   три", 7, ["раз два", "три"]),
        # white space at a cut is lost, and none elsewhere
        ("раз  \nдва ", 6, ["раз", "два "]),
        (" абв", 3, [" аб", "в"]),
        (" \nабвгдежзи", 8, [" \nабвгде", "жзи"]),
        # pieces are full, also where letters have two units
        ("а" * 10 + "😀" * 10, 20, ["а" * 10 + "😀" * 5, "😀" * 5]),
        ("\uffff😀\uffff\uffff\uffff", 4, ["\uffff😀\uffff", "\uffff\uffff"]),
    ],
)
def test_a_cut_is_as_late_as_the_best_kind_of_place_allows(text: str, limit: int, pieces: list[str]) -> None:
    assert split(text, limit) == pieces


@pytest.mark.parametrize("letters", range(1, 14))
def test_a_paragraph_ends_a_piece_only_if_the_piece_has_a_quarter_of_the_limit(letters: int) -> None:
    begun = "б" * letters
    _, second, *_ = split("а" * 40 + begun + "\n\n" + "в" * 20 + " " + "г" * 60, 40)
    assert second == (begun if letters >= 10 else begun + "\n\n" + "в" * 20)


def test_a_lone_half_of_a_letter_is_one_unit() -> None:
    assert utf16_length("\ud83d") == 1


@pytest.mark.parametrize("text", ["а б" * 10, "😀 " * 10])
def test_what_fits_is_neither_shortened_nor_cut_to_its_tail(text: str) -> None:
    for limit in (utf16_length(text), utf16_length(text) + 1):
        assert tail(text, limit) == text == shorten(text, limit)


@pytest.mark.parametrize("place", range(18))
def test_a_tail_begins_after_a_paragraph_in_its_first_half(place: int) -> None:
    end = "а" * place + "\n\n" + "б" * (18 - place)
    assert tail("в" * 30 + end, 20) == ("б" * (18 - place) if place <= 9 else end)


def test_a_tail_begins_with_a_whole_word_where_words_are_short() -> None:
    text = "один два три\nраз. Пять, и\n\nшесть 😀 как вот так. Он сам"
    ends = {text[place:] for place in range(len(text)) if not place or text[place - 1].isspace()}
    assert all(tail(text, limit) in ends for limit in range(12, 50))
    assert tail("Слово где-то", 6) == "где-то"
    assert tail(" а бвгде", 7) == "а бвгде"


@pytest.mark.parametrize(
    ("text", "limit", "end"),
    [
        ("а" * 10 + "😀" * 10 + "б" * 3, 9, "😀" * 3 + "б" * 3),
        ("а" * 30 + "😀", 10, "а" * 8 + "😀"),
        ("😀" * 10 + "а", 15, "😀" * 7 + "а"),
        ("😀\uffff\uffff", 3, "\uffff\uffff"),
        ("и" + "\u0301" * 5, 3, "\u0301"),
    ],
)
def test_a_tail_is_as_long_as_fits(text: str, limit: int, end: str) -> None:
    assert tail(text, limit) == end


def test_tail_begins_at_a_nice_place() -> None:
    assert tail("Раз два три.\n\nЧетыре. Пять шесть семь", 30) == "Четыре. Пять шесть семь"
    assert tail("Раз два три. Четыре пять шесть семь", 28) == "Четыре пять шесть семь"
    assert tail("один два три четыре", 10) == "три четыре"
    assert tail("абвгдежз", 3) == "ежз"


def test_shorten_keeps_whole_words() -> None:
    assert shorten("Маяк на краю света", 100) == "Маяк на краю света"
    assert shorten("Маяк на краю, где свет", 14) == "Маяк на краю…"
    assert shorten("Превысокомногорассмотрительствующий", 8) == "Превысо…"
    assert shorten("Проект X и ещё", 9) == "Проект X…"


@pytest.mark.parametrize(
    ("text", "short"), [("абвг ддддддддд", "абвг ддд…"), ("абвгд ддддддддд", "абвгд…"), ("абв ддддддддд", "абв дддд…")]
)
def test_a_last_word_is_cut_if_the_whole_ones_are_half_of_the_text_or_less(text: str, short: str) -> None:
    assert shorten(text, 9) == short


def test_a_letter_with_accents_is_shortened_whole_unless_nothing_else_is_left() -> None:
    assert shorten("а" + "и" + "\u0301" * 5, 4) == "а…"
    assert shorten("и" + "\u0301" * 9, 4) == "и\u0301\u0301…"


def test_plain_text_is_what_a_reader_sees() -> None:
    assert plain_text("<b>Маяк</b> &amp; <a href='x'>море</a>, 2 < 3 <i>и") == "Маяк & море, 2 < 3 и"
