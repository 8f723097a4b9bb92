"""Voice messages to order: they are valid recordings, and their words are heard whole, in pieces, and in time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai import opus_splitter
from sandbox.recording import record, seconds_of, words_in


def words_of(number: int) -> str:
    return " ".join(f"слово{place}" for place in range(number))


@pytest.mark.parametrize("seconds", [1, 3, 30, 95])
def test_a_recording_is_as_long_as_it_was_ordered(seconds: int) -> None:
    assert seconds_of(record("Привет", seconds)) == pytest.approx(seconds, abs=0.07)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_words_are_heard_as_they_were_said(words: str) -> None:
    assert words_in(record(words)) == " ".join(words.split())


def test_what_isnt_made_here_says_nothing() -> None:
    assert words_in(Path("sandbox/voice.ogg").read_bytes()) is None
    assert words_in(b"MP3") is None
    assert seconds_of(b"MP3") == 0


def test_pieces_of_a_long_recording_say_their_part_and_nothing_twice() -> None:
    words = words_of(200)
    pieces = opus_splitter.cut(record(words, 100), 30, 1_000_000)
    assert len(pieces) >= 4
    heard = [words_in(piece) or "" for piece in pieces]
    assert all(heard) and " ".join(heard) == words
