"""The buttons of a group's story, under its last text."""

from __future__ import annotations

from dataclasses import dataclass

from conversation.localization import Texts

Rows = list[list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Votes:
    """How many have voted for something, and how many it needs."""

    given: int
    needed: int


NO_VOTES = Votes(0, 0)


def control_rows(texts: Texts, prompt_id: int, *, on: Votes = NO_VOTES, finale: Votes = NO_VOTES) -> Rows:
    """Return the buttons under the last text of a group's unfinished story. `on`: votes for «▶️ Дальше»."""
    return [
        [(_label(texts, "next", on), f"g_next:{prompt_id}"), (texts.label("suggest"), f"g_suggest:{prompt_id}")],
        [(texts.label("variant"), f"g_variant:{prompt_id}"), (texts.label("undo"), f"g_undo:{prompt_id}")],
        [(_label(texts, "finale", finale), f"g_finale:{prompt_id}"), (texts.label("more"), f"g_more:{prompt_id}")],
    ]


def end_rows(texts: Texts, session_id: int) -> Rows:
    """Return the buttons of a group's finished story."""
    return [
        [(texts.label("read"), f"read:{session_id}"), (texts.label("download"), f"files:{session_id}")],
        [(texts.label("epilogue"), f"epilogue:{session_id}"), (texts.label("share"), f"share:{session_id}")],
        [(texts.label("second_volume"), f"g_volume:{session_id}"), (texts.label("new_story"), f"g_new:{session_id}")],
    ]


def _label(texts: Texts, name: str, votes: Votes) -> str:
    if not votes.given:
        return texts.label(name)
    return texts.label("group_votes", label=texts.label(name), given=votes.given, needed=votes.needed)
