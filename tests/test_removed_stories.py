"""Who may publish the texts of a story that an admin has removed from the public shelf."""

from __future__ import annotations

import pytest

from tests.forgetting import forget
from tests.harness import BotHarness
from tests.inline import put_story
from tests.test_public_shelf import card, publish, put_on, shelf

__all__ = ["shelf"]

BEGINS, GOES_ON, HOSTILE, OTHER = (
    f"{word} погас, и волны били в стену маяка. " * 5 for word in ("Свет", "Огонь", "Злой", "Иной")
)


def remove(harness: BotHarness, *texts: str, user_id: int) -> None:
    """Have an admin remove a story of these texts from the shelf."""
    removed = put_on(harness, put_story(harness, "Ветка", *texts, user_id=user_id), user_id=user_id)
    harness.db.change("published", {"id": removed}, state="reported")
    assert harness.app is not None and harness.app.db.shelf.decide(removed, allowed=False)


@pytest.mark.parametrize("forgotten", [False, True])
def test_only_who_had_the_texts_of_a_removed_branch_first_may_publish_them(shelf: BotHarness, forgotten: bool) -> None:
    source, author, other = (shelf.new_person(number, name) for number, name in ((1, "Анна"), (2, "Борис"), (3, "Ян")))
    first = put_story(shelf, "Маяк", BEGINS, "Иду.", GOES_ON)
    remove(shelf, BEGINS, "Иду.", GOES_ON, "Иду.", HOSTILE, user_id=2)
    if forgotten:
        forget(shelf, author)
        author = shelf.new_person(2, "Борис")
    publish(source, first)
    publish(source, put_story(shelf, "Дом", BEGINS, "Иду.", GOES_ON, "Иду.", OTHER))
    for person, user_id in ((other, 3), (author, 2)):
        card(person, put_story(shelf, "Снова", BEGINS, "Иду.", GOES_ON, "Иду.", OTHER, user_id=user_id))
        person.tap("🌍 На полку")
        person.wait("те же части, что в убранной")


@pytest.mark.parametrize("forgotten", [False, True])
def test_an_author_takes_their_removed_story_nowhere(shelf: BotHarness, forgotten: bool) -> None:
    author = shelf.new_person()
    draft = put_story(shelf, "Маяк", BEGINS, "Иду.", GOES_ON, "Иду.", OTHER)
    remove(shelf, BEGINS, "Иду.", GOES_ON, "Иду.", HOSTILE, user_id=1)
    if forgotten:
        forget(shelf, author)
        author = shelf.new_person()
        draft = put_story(shelf, "Маяк", BEGINS, "Иду.", GOES_ON, "Иду.", OTHER)
    else:  # the removed story alone is deleted for good
        shelf.db.delete("session", id=shelf.db.value("published", "session_id"))
    card(author, draft)
    author.tap("🌍 На полку")
    author.wait("те же части, что в убранной")
