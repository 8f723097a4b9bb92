"""What is remembered of words stays small, however many different ones people write."""

from __future__ import annotations

import tracemalloc

from conversation.naming import forms_of

MOST_MIB = 3


def test_the_forms_of_many_words_take_little_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(3000):
            forms_of("".join(chr(ord("а") + int(digit)) for digit in f"{number:07d}"))
        assert tracemalloc.get_traced_memory()[0] < MOST_MIB * 2**20
    finally:
        tracemalloc.stop()
