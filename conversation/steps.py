"""The steps of a private chat and what can be sent at one: the names of the table in `conversation/states.py`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from conversation.cards import NOTE_CHARS


class Step(StrEnum):
    """Where a user is: a column of the user's row, set by compare-and-set only."""

    MENU = "menu"
    RESUME = "resume"  # an unfinished draft: continue it or start again
    GENRE = "genre"
    HERO = "hero"
    SETTING = "setting"
    EXTRA = "extra"
    SUMMARY = "summary"
    CHANGE = "change"  # which of the four settings to change
    EDIT_GENRE = "edit_genre"
    EDIT_HERO = "edit_hero"
    EDIT_SETTING = "edit_setting"
    EDIT_EXTRA = "edit_extra"
    STORY = "story"
    FINALE = "finale"  # which ending
    FINISHED = "finished"
    CORRECT = "correct"  # the user rewrites the last part
    MEMORY = "memory"  # the user rewrites the story's memory
    NOTE = "note"  # what the model is to keep in mind all through the story
    CARD = "card"  # a new card of somebody or something in the story
    EDIT_CARD = "edit_card"
    TONE = "tone"
    RENAME = "rename"  # a new title
    FIND = "find"  # words to search for in the user's stories
    CHAT = "chat"
    ROLE = "role"  # the user describes the assistant's role
    CHARACTER = "character"  # a conversation with a character
    IMAGE = "image"  # a description of the picture to make
    BRING = "bring"  # a text of the user's own, written elsewhere

    @property
    def text_name(self) -> str:
        """The name of the step's texts in the locales; a field has the same texts when it is edited."""
        return "draft" if self is Step.RESUME else self.value.removeprefix("edit_")


WORDS: Final = "words"
FILE: Final = "file"  # pictures, or a document whose text can be read, with or without words
OTHER_CONTENT: Final = "other_content"  # a sticker, music, …
UNKNOWN_COMMAND: Final = "unknown_command"

WIZARD: Final = (Step.GENRE, Step.HERO, Step.SETTING, Step.EXTRA, Step.SUMMARY)  # steps 1 to 5, in order
EDITS: Final = (Step.EDIT_GENRE, Step.EDIT_HERO, Step.EDIT_SETTING, Step.EDIT_EXTRA)
IN_WIZARD: Final = frozenset({Step.RESUME, *WIZARD, Step.CHANGE, *EDITS})
ANSWERS: Final = (
    Step.CORRECT,
    Step.MEMORY,
    Step.NOTE,
    Step.CARD,
    Step.EDIT_CARD,
    Step.TONE,
    Step.RENAME,
    Step.FIND,
    Step.ROLE,
    Step.IMAGE,
    Step.BRING,
)  # take one answer
TALKING: Final = frozenset({Step.CHAT, Step.CHARACTER})  # words go to the assistant or a character
TONES: Final = ("light", "dark", "lyrical", "brisk", "child", "any")
LENGTHS: Final = ("short", "middle", "long")
# Labels that users may also type as words: buttons at their own step only.
ONLY_THERE: Final = frozenset({f"tone_{name}" for name in TONES} | {f"length_{name}" for name in LENGTHS})
ENDINGS: Final = ("happy", "tragic", "unexpected", "any")

ADMIN_COMMANDS: Final = frozenset(
    {"/debug", "/logs", "/users", "/grant", "/ban", "/unban", "/refund", "/payments", "/stop"}
)
SHOP_COMMANDS: Final = frozenset({"/terms", "/paysupport"})  # unknown unless something is sold, or was
SHELF_COMMANDS: Final = frozenset({"/shelf"})  # unknown unless the public shelf is on
COMMANDS: Final = (
    ADMIN_COMMANDS
    | SHOP_COMMANDS
    | SHELF_COMMANDS
    | frozenset(
        {"/start", "/help", "/new_story", "/stories", "/cancel", "/whole_story", "/end_story", "/language", "/model"}
        | {"/continue", "/story"}
        | {"/balance", "/stats", "/info", "/image", "/characters", "/menu", "/my_data", "/forget_me"}
        | {"/chat", "/prompt", "/system", "/modes", "/clear", "/t", "/sessions"}
    )
)

# Maximum number of characters of a user's words at a step.
WORD_LIMITS: Final[Mapping[Step, int]] = {
    Step.GENRE: 60,
    Step.HERO: 200,
    Step.SETTING: 200,
    Step.EXTRA: 1000,
    Step.EDIT_GENRE: 60,
    Step.EDIT_HERO: 200,
    Step.EDIT_SETTING: 200,
    Step.EDIT_EXTRA: 1000,
    Step.CORRECT: 4000,
    Step.MEMORY: 2000,
    Step.NOTE: NOTE_CHARS,
    Step.TONE: 200,
    Step.RENAME: 60,
    Step.FIND: 60,
    Step.ROLE: 2000,
    Step.IMAGE: 500,
}
