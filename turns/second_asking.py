"""A passage that repeats itself is asked for once more; the better of the two answers is kept, and it alone is paid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.errors import LimitReached, ModelCancelled, ModelError
from turns.billing import TurnBilling
from turns.running_turn import RunningTurn
from turns.turn_result import Generated


def better_of_two(
    billing: TurnBilling, running: RunningTurn, first: Generated, ask_again: Callable[[], Generated]
) -> Generated:
    """Return the answer to keep; its call is the turn's open one, the other is given back.

    `first` was ended before it repeats itself, and its call is open. It stays open until the second answer has come, so
    that a failure, a limit or an answer that is no better leaves the first. Without a word there is nothing to keep.
    """
    call = running.call
    assert call is not None  # `first` has come by it
    if not first.text.strip():
        billing.release(call, billing.usage_so_far(call))
        running.call = None
        return ask_again()
    running.call = None
    try:
        second = ask_again()
    except (ModelError, LimitReached) as error:
        if isinstance(error, ModelCancelled) or _has_more(running, first):
            billing.release(call, billing.usage_so_far(call))
            raise
        billing.drop_failed(running, error)
    except BaseException:
        billing.release(call, billing.usage_so_far(call))
        raise
    else:
        if second.text.strip() and not (second.asks_again and len(second.text) <= len(first.text)):
            billing.release(call, billing.usage_so_far(call))
            return second
        assert running.call is not None  # `second` has come by it
        billing.release(running.call, billing.usage_so_far(running.call))
    running.call = call
    return replace(first, asks_again=False)


def _has_more(running: RunningTurn, first: Generated) -> bool:
    """Return whether more of the second answer has come than there is of the first."""
    return running.call is not None and len(running.call.text) > len(first.text)
