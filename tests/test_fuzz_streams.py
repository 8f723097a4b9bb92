"""Some hundreds of random streams of both formats, by `tests/fuzz_streams.py`."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ai.answer_text import growing, visible
from tests import fuzz_streams

MARKS = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<|im_end|>",
        "assistant\n",
        "<",
        "|>",
        "[THINK]",
        "[/THINK]",
        "<|channel|>",
        "final",
        "</s>",
    ]
)


@settings(max_examples=300)
@given(st.integers(0, 2**32))
def test_whatever_comes_is_an_answer_or_a_failure_and_no_word_is_lost(seed: int) -> None:
    fuzz_streams.one(seed)


@settings(max_examples=200)
@given(st.lists(MARKS | st.text(max_size=6), max_size=12).map("".join))
def test_any_mixture_of_marks_and_words_is_read(raw: str) -> None:
    assert len(visible(raw).text) <= len(raw)
    for end in range(len(raw)):
        growing(raw[:end])
