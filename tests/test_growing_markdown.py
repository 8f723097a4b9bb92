"""Markdown that is not whole yet never shows a mark that is open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telegram.growing_markdown import closed, first_piece
from telegram.markdown import pieces

WHOLE = (
    "**Раз** и *два*, `три` и ~~четыре~~, [сайт](https://example.org).\n\n```py\nx = 1\n```\n\n- **пункт** и __ещё__"
)


@pytest.mark.parametrize(
    ("begun", "shown", "kinds"),
    [
        ("Это **важ", "Это важ", ["bold"]),
        ("**важно*", "важно", ["bold"]),
        ("**жир *кур", "жир кур", ["italic", "bold"]),
        ("`код нез", "код нез", ["code"]),
        ("до\n\n```py\nx = ", "до\n\nx =", ["pre"]),
        ("см. [текст](http://exa", "см.", []),
        ("см. [тек", "см.", []),
        ("слово **", "слово", []),
        ("2 * 3 * 4", "2 * 3 * 4", []),
        ("имя_файла и 5 * 3", "имя_файла и 5 * 3", []),
        ("**a** и **b", "a и b", ["bold", "bold"]),
    ],
)
def test_an_open_mark_is_closed_or_held_back(begun: str, shown: str, kinds: list[str]) -> None:
    piece = first_piece(begun)
    assert piece is not None
    assert (piece.text, [entity["type"] for entity in piece.entities]) == (shown, kinds)


def test_no_beginning_of_a_text_shows_a_mark() -> None:
    for end in range(1, len(WHOLE) + 1):
        piece = first_piece(WHOLE[:end])
        assert piece is None or not set("*`~[]") & set(piece.text), (WHOLE[:end], piece)


def test_a_whole_text_is_shown_as_it_will_be() -> None:
    assert closed(WHOLE) == WHOLE
    assert first_piece(WHOLE) == pieces(WHOLE)[0]


@given(st.text(alphabet="аб *_~`[]()\n>#-1.", max_size=60))
def test_any_text_gives_a_message_with_entities_inside_it(text: str) -> None:
    piece = first_piece(text)
    for entity in piece.entities if piece is not None else ():
        offset, length = entity["offset"], entity["length"]
        assert isinstance(offset, int) and isinstance(length, int)
        assert piece is not None and 0 <= offset < offset + length <= len(piece.text)
