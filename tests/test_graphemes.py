"""What one sees as one letter is never cut: in messages, captions, titles, previews and labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.graphemes import clings, first_letters, last_letters, whole_end
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
