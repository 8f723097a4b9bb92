"""Who is addressed in a chat, and the numbers of guest chats."""

from __future__ import annotations

import pytest

from conversation.addressing import addressed
from core.guest_chats import guest_chat_id, is_guest_chat


def test_the_numbers_of_guest_chats() -> None:
    found = {guest_chat_id(chat, caller) for chat in (-100900, -100901, 5, 6) for caller in (5, 6)}
    assert len(found) == 6  # a group is one for all its callers
    assert all(map(is_guest_chat, found)) and all(abs(one) < 2**63 for one in found)
    assert not any(map(is_guest_chat, (-(2**52), -100900, 0, 5)))


@pytest.mark.parametrize(
    ("words", "place", "rest"),
    [
        ("Сократ, что есть истина?", 0, "что есть истина?"),
        ("сократ что есть истина", 0, "что есть истина"),
        ("Федя: привет", 1, "привет"),
        ("Федя", 1, ""),
        ("домовой-стажер федя — привет", 1, "привет"),
        ("Федя пришёл", None, "Федя пришёл"),
        ("Сократова школа", None, "Сократова школа"),
        ("Люмен, курс?", 2, "курс?"),
        ("", None, ""),
    ],
)
def test_who_is_addressed(words: str, place: int | None, rest: str) -> None:
    assert addressed(words, ("Сократ", "Домовой-стажёр Федя", "Бортовой «Люмен»")) == (place, rest)
