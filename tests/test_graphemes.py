"""What one sees as one letter is never cut: in messages, captions, titles, previews and labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.graphemes import clings, first_letters, is_visible, last_letters, whole_end
from core.text import shorten, split, tail, utf16_length

LETTERS = {
    "a family": "👨‍👩‍👧‍👦",
    "a family with colours of skin": "👩🏽‍❤️‍💋‍👨🏿",
    "a flag": "🇷🇺",
    "the flag of a region": "🏴󠁧󠁢󠁷󠁬󠁳󠁿",
    "a rainbow": "🏳️‍🌈",
    "a keycap": "1️⃣",
    "a letter with two accents": "и̂́",
    "a Hindi syllable": "क्षि",
    "a Tamil syllable": "நி",
    "a Thai syllable": "กำ",
    "a Korean syllable of parts": "각",
    "a Korean syllable of two": "각",
    "a line end": "\r\n",
    "an Arabic number": "\u0600١",
}


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_is_one(name: str) -> None:
    letter = LETTERS[name]
    assert all(clings(letter, place) for place in range(1, len(letter)))
    assert not clings(f"я{letter}", 1) and not clings(f"{letter}я", len(letter))
    if name != "an Arabic number":
        assert not clings(letter * 2, len(letter))


@pytest.mark.parametrize("name", LETTERS)
@pytest.mark.parametrize("limit", [4096, 1024, 40])
def test_pieces_are_whole_letters(name: str, limit: int) -> None:
    letter = LETTERS[name]
    if letter.isspace():
        return
    pieces = split("я" + letter * 1500, limit)
    assert "".join(pieces) == "я" + letter * 1500
    assert all(piece.removeprefix("я").replace(letter, "") == "" for piece in pieces)
    assert all(utf16_length(piece) <= limit for piece in pieces)


@pytest.mark.parametrize("name", LETTERS)
def test_titles_previews_and_drafts_are_cut_between_letters(name: str) -> None:
    letter = LETTERS[name]
    if letter.isspace():
        return
    for most in range(len(letter), 4 * len(letter) + 3):
        cut = (first_letters(letter * 5, most), last_letters(letter * 5, most), tail(letter * 5, 2 * most))
        assert all(
            piece.replace(letter, "") == "" for piece in (*cut, shorten(letter * 5, 2 * most + 1).removesuffix("…"))
        )
        assert len(cut[0]) <= most and len(cut[1]) <= most


# The parts of Korean syllables: the first and the last letter of each range, and which part may follow which.
KOREAN = {
    "L": "\u1100\u115f\ua960\ua97c",
    "V": "\u1160\u11a7\ud7b0\ud7c6",
    "T": "\u11a8\u11ff\ud7cb\ud7fb",
    "LV": "\uac00\uac1c\ud788",
    "LVT": "\uac01\uac1b\ud7a3",
    "": "\u10ff\u1200\ua95f\uabff",
}
FOLLOWS = {"L": ("L", "V", "LV", "LVT"), "V": ("V", "T"), "LV": ("V", "T"), "T": ("T",), "LVT": ("T",), "": ()}


@pytest.mark.parametrize("part", KOREAN)
def test_parts_of_a_korean_syllable_are_one_letter_where_they_may_follow(part: str) -> None:
    for before in KOREAN[part]:
        joined = {after for after in "".join(KOREAN.values()) if clings(before + after, 1)}
        assert joined == set("".join(KOREAN[following] for following in FOLLOWS[part]))


def test_marks_belong_to_the_letter_before_them() -> None:
    marks = "\u0300\u0301\u0903\u20dd\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\ufe0f\U0001f3fb\U0001f3ff\U000e0020\U000e007f"
    assert all(clings(letter + mark, 1) for letter in "яaX" for mark in marks)
    others = "Xяa1 \n\u0e32\u0eb2\uff9d\U0001f3fa\U0001f400\U000e001f\U0001f1e5\U0001f1e6漢"
    assert not any(clings("я" + other, 1) or clings("X" + other, 1) for other in others)
    assert not any(clings(end + mark, 1) for end in "\r\n" for mark in marks)
    assert not clings("\ra", 1) and not clings("a\n", 1) and clings("\r\n", 1)


def test_arabic_signs_and_indian_viramas_belong_to_the_letter_after_them() -> None:
    for sign in "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2":
        assert clings(sign + "١", 1)
    for virama in "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d":
        assert clings(virama + "क", 1) and not clings(virama + "я", 1)


def test_the_first_and_the_last_flag_are_flags() -> None:
    assert clings("\U0001f1e6\U0001f1e6", 1) and clings("\U0001f1ff\U0001f1ff", 1)
    assert not clings("\U0001f1ff\U0001f200", 1) and not clings("\U0001f1e5\U0001f1e6", 1)


def test_a_letter_of_64_characters_is_kept_whole_and_a_longer_one_cut() -> None:
    assert whole_end("я" + "и" + "\u0301" * 70, 0, 64) == 1
    assert whole_end("я" + "и" + "\u0301" * 70, 0, 65) == 65


@pytest.mark.parametrize(
    ("text", "most", "first", "last"),
    [
        ("раз два", 3, "раз", "два"),
        ("раз", 5, "раз", "раз"),
        ("\u0301а", 5, "\u0301а", "\u0301а"),
        ("и\u0301", 1, "и", "\u0301"),
        ("и\u0301\u0301б", 2, "и\u0301", "б"),
        ("аи\u0301\u0301\u0301", 3, "а", "\u0301"),
        ("и\u0301\u0301\u0301", 2, "и\u0301", "\u0301"),
    ],
)
def test_as_many_characters_are_taken_as_make_whole_letters(text: str, most: int, first: str, last: str) -> None:
    assert (first_letters(text, most), last_letters(text, most)) == (first, last)


def test_two_flags_are_two_letters_and_three_halves_aren_t_joined_otherwise() -> None:
    assert [clings("🇷🇺🇩🇪", place) for place in (1, 2, 3)] == [True, False, True]


def test_a_letter_without_end_is_cut_all_the_same() -> None:
    pieces = split("и" + "\u0301" * 9000)
    assert len(pieces) == 3 and all(utf16_length(piece) <= 4096 for piece in pieces)


def test_a_space_that_carries_an_accent_is_no_gap() -> None:
    assert all(not piece.startswith("\u0301") for piece in split("слово \u0301слово " * 30, 40))


@given(st.text(max_size=60), st.integers(1, 30))
def test_nothing_is_added_or_lost(text: str, most: int) -> None:
    end = whole_end(text, 0, most)
    assert end <= max(most, 0) or end == len(text)
    assert text.startswith(first_letters(text, most)) and text.endswith(last_letters(text, most))


@pytest.mark.parametrize("letter", [*"яXCZM1.$", "字", "🙂", "🩷", "🫩", "\u00bd"])
def test_letters_numbers_and_signs_are_visible(letter: str) -> None:
    assert is_visible(letter)


@pytest.mark.parametrize(
    "letter",
    [*" \n\t\u00a0\u2003\u2028", *"\u200b\u200d\ufeff", *"\u0301\ufe0f", "\ud800", *"\u115f\u1160\u2800\u3164\uffa0"],
)
def test_space_controls_marks_and_blank_letters_are_not(letter: str) -> None:
    assert not is_visible(letter)
