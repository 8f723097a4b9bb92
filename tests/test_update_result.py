"""What a handler returns: results add up, in the order of their messages."""

from __future__ import annotations

from core.schemas import Outgoing
from telegram.update_result import NOTHING, Done, Queued, StopBot, TurnStarted, UpdateResult


def said(text: str) -> UpdateResult:
    return UpdateResult(messages=(Outgoing(1, "sendMessage", {"text": text}),))


def test_messages_and_effects_keep_their_order() -> None:
    total = said("a") + UpdateResult(effects=(StopBot(),)) + said("b") + NOTHING
    assert [message.params["text"] for message in total.messages] == ["a", "b"]
    assert total.effects == (StopBot(),) and total.disposition == Done()


def test_what_becomes_of_the_update_is_said_by_any_part() -> None:
    for disposition in (TurnStarted(), Queued(7, blocks=True)):
        decided = UpdateResult(disposition=disposition)
        assert (said("a") + decided).disposition == (decided + said("a")).disposition == disposition


def test_the_first_pop_up_counts() -> None:
    assert (UpdateResult(toast="a") + UpdateResult(toast="b") + said("c")).toast == "a"
