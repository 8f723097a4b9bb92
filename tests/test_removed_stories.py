"""Who may publish the texts of a story that an admin has removed from the public shelf."""

from __future__ import annotations

import pytest

from tests.forgetting import forget
from tests.harness import BotHarness, until
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


def test_a_removed_text_does_not_come_back_after_its_story_is_deleted_for_good(shelf: BotHarness) -> None:
    author, reader = shelf.new_person(), shelf.new_person(2, "Борис")
    begins, goes_on, ends = (f"{word} погас, и волны били в стену маяка. " * 5 for word in ("Свет", "Огонь", "День"))
    removed = put_on(shelf, put_story(shelf, "Маяк", begins, "Иду.", goes_on, "Иду.", ends, "Иду.", "Конец."))
    shelf.db.change("published", {"id": removed}, state="reported")
    assert shelf.app is not None and shelf.app.db.shelf.decide(removed, allowed=False)
    assert not shelf.app.db.shelf.decide(removed, allowed=False)
    author.send("/forget_me")
    assert "Отпечаток истории" in author.wait("Удалить всё навсегда?").text
    reader.send("/forget_me")
    assert "Отпечаток истории" not in reader.wait("Удалить всё навсегда?").text
    forget(shelf, author)
    assert not shelf.db.count("published") and not shelf.db.count("prompt")
    shelf.restart()
    author = shelf.new_person()
    for person, user_id in ((author, 1), (reader, 2)):
        card(person, put_story(shelf, "Снова", begins, "Иду.", ends.upper().replace(",", " —"), user_id=user_id))
        person.tap("🌍 На полку")
        person.wait("те же части, что в убранной")
    publish(author, put_story(shelf, "Кот", begins, "Иду.", "Мур.", "Иду.", "Конец."))  # less than half of it
    assert shelf.db.count("removed_text") == 3


@pytest.mark.parametrize("stays", [True, False])
def test_a_removed_branch_does_not_shut_out_the_story_that_it_was_made_of(shelf: BotHarness, stays: bool) -> None:
    author, other = shelf.new_person(), shelf.new_person(2, "Борис")
    author.send("/start")
    until(shelf.settled)
    begins, goes_on, hostile = (f"{word} погас, и волны били в стену маяка. " * 5 for word in ("Свет", "Огонь", "Злой"))
    story = put_story(shelf, "Маяк", begins, "Иду.", goes_on)
    assert shelf.app is not None
    for texts in ((begins, "Иду.", goes_on, "Иду.", hostile), (begins, "Иду.", goes_on)):  # the second one is a copy
        removed = put_on(shelf, put_story(shelf, "Ветка", *texts, user_id=2), user_id=2)
        shelf.db.change("published", {"id": removed}, state="reported")
        assert shelf.app.db.shelf.decide(removed, allowed=False)
    assert shelf.db.count("removed_text") == 5
    if not stays:
        forget(shelf, other)
    publish(author, story)
    card(author, put_story(shelf, "Снова", begins, "Иду.", hostile))
    author.tap("🌍 На полку")
    author.wait("те же части, что в убранной")


def test_only_who_has_hashes_is_told_of_them(shelf: BotHarness) -> None:
    author = shelf.new_person()
    removed = put_on(shelf, put_story(shelf, "Маяк", "Свет погас."))  # a short text leaves none
    shelf.db.change("published", {"id": removed}, state="reported")
    assert shelf.app is not None and shelf.app.db.shelf.decide(removed, allowed=False)
    author.send("/forget_me")
    assert "Отпечаток истории" not in author.wait("Удалить всё навсегда?").text
