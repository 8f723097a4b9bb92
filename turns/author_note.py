"""The author's note: what must hold for the next text of a story, said last, right before the model answers.

Models follow the end of a prompt better than its beginning, and some have no system role. The note stands in round
brackets, as a reader's own wishes do. Pure: values in, text out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from conversation.localization import Texts

Stage = Literal["opening", "middle", "late"]
Head = Literal["words", "part", "ending", "epilogue"]

OPENING_PARTS: Final = 3  # parts that only begin a story
LATE_PERCENT: Final = 75  # of a session's tokens; from then on the story draws to its end
_NO_BRACKETS: Final = str.maketrans("()\n", "[] ")


def stage_of(parts: int, spent_percent: int) -> Stage:
    """Return where in its story the next part stands, by the parts written and by what its session has spent."""
    if spent_percent >= LATE_PERCENT:
        return "late"
    return "opening" if parts < OPENING_PARTS else "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorNote:
    """What the next text has to keep to. Empty values are left out."""

    head: Head  # what is asked for; `words`: a part that follows the reader's own words
    length: str
    tone: str = ""
    course: str = ""  # where the story goes: its stage, or its ending
    wishes: Sequence[str] = ()  # of the reader's, about the manner of writing
    reader_note: str = ""  # what the reader wants to be kept in mind
    cards: Sequence[str] = ()  # people, places and things that are named now

    def text(self, texts: Texts) -> str:
        """Return the note, a line for each thing. It stands in brackets and has no other ones inside."""
        last = "last_line" if self.head in ("words", "part") else "last_line_of_all"
        lines = (
            texts.prompt(f"wire.note.{self.head}", length=_plain(self.length)),
            texts.prompt("wire.note.tone", tone=_plain(self.tone)),
            texts.prompt("wire.note.wishes", wishes=_plain("; ".join(self.wishes))),
            texts.prompt("wire.note.reader", note=_plain(self.reader_note)),
            *(texts.prompt("wire.note.card", card=_plain(card)) for card in self.cards),
            self.course.translate(_NO_BRACKETS),
            texts.prompt(f"wire.note.{last}"),
        )
        return "(" + "\n".join(line for line in lines if line) + ")"


def _plain(value: str) -> str:
    """Return a value that can't close the note's bracket and has no full stop at its end."""
    return value.translate(_NO_BRACKETS).strip().rstrip(".")
