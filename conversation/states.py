"""The conversation of a private chat as one table: what each step accepts, what that does, and the next step.

A step is where a user is. A key is what they sent: a label's key (`next`, `finale`), a command with its slash
(`/help`), or one of the kinds of content `WORDS`, `FILE`, `OTHER_CONTENT` and `UNKNOWN_COMMAND`. The router translates
the text of a button into its key; a voice message arrives as words. A cell of `TABLE` names the action that answers a
key at a step, and the step after it. `handlers.actions.ACTIONS` maps actions to functions.

    menu ─new_story─▶ genre ─▶ hero ─▶ setting ─▶ extra ─▶ summary ─begin─▶ story ⇄ finale ─▶ finished
                        └───────────── lucky ───────────────▶ │ ▲
                                                         change ─▶ edit_*

`docs/architecture.md` has the whole diagram. This module has no texts, storage or Telegram.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conversation.steps import (
    ANSWERS,
    ENDINGS,
    FILE,
    IN_WIZARD,
    LENGTHS,
    OTHER_CONTENT,
    TONES,
    UNKNOWN_COMMAND,
    WORDS,
    Step,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """The action that answers a key at a step, and the next step (None: the same)."""

    action: str
    to: Step | None = None
    writes: bool = False  # asks the model; while it already writes, the message waits or is dropped
    moves: bool = False  # changes the text that the story continues from; refused while the model writes


WRONG_STATE: Final = Cell("wrong_state")

# What every step accepts. Each row of the table begins with these cells and may replace some.
EVERYWHERE: Final[Mapping[str, Cell]] = {
    "/start": Cell("welcome"),
    "/help": Cell("help"),
    "help": Cell("help"),
    "/new_story": Cell("new_story"),
    "/story": Cell("new_story"),
    "/stories": Cell("shelf"),
    "/shelf": Cell("public_shelf"),
    "/language": Cell("language"),
    "/model": Cell("model"),
    "/cancel": Cell("nothing_to_cancel"),
    "stop": Cell("nothing_to_stop"),
    "/whole_story": Cell("whole_story"),
    "/continue": Cell("continue_story"),
    "/end_story": Cell("wrong_state"),
    "menu": Cell("open_menu", Step.MENU),
    "/balance": Cell("balance"),
    "/stats": Cell("stats"),
    "/terms": Cell("terms"),
    "/paysupport": Cell("paysupport"),
    "/info": Cell("info"),
    **{command: Cell(command[1:]) for command in ("/my_data", "/forget_me")},
    # chat with the assistant
    "/chat": Cell("open_chat", Step.CHAT),
    "/prompt": Cell("prompt"),
    "/system": Cell("prompt"),
    "/modes": Cell("modes"),
    "/clear": Cell("forget_chat", moves=True),
    "/t": Cell("tokens"),
    "/sessions": Cell("sessions"),
    # characters; /menu lists them, the button «меню» opens the menu
    "/characters": Cell("characters"),
    "/menu": Cell("characters"),
    "/image": Cell("image"),
    "/debug": Cell("debug"),
    "/logs": Cell("logs"),
    "/users": Cell("users"),
    "/grant": Cell("grant"),
    "/ban": Cell("ban"),
    "/unban": Cell("unban"),
    "/refund": Cell("refund"),
    "/payments": Cell("list_payments"),
    "/stop": Cell("stop_bot"),
    UNKNOWN_COMMAND: Cell("unknown_command"),
    OTHER_CONTENT: Cell("other_content"),
    FILE: Cell("other_content"),
    WORDS: WRONG_STATE,
}
LEAVE_WIZARD: Final[Mapping[str, Cell]] = {
    "cancel": Cell("leave_wizard", Step.MENU),
    "/cancel": Cell("leave_wizard", Step.MENU),
}
LEAVE_QUESTION: Final[Mapping[str, Cell]] = {"cancel": Cell("leave_question"), "/cancel": Cell("leave_question")}
STYLE_CELLS: Final = {f"tone_{name}": Cell("set_tone") for name in TONES} | {
    f"length_{name}": Cell("set_length") for name in LENGTHS
}
# What goes on with a story: once it is finished, these show what can still be done with it.
WAYS_ON_CELLS: Final = {
    key: Cell("ways_on") for key in ("next", "story_continue", "to_story", "/continue", "finale", "/end_story")
}
ENDING_CELLS: Final = {f"ending_{kind}": Cell("write_ending", Step.STORY, writes=True) for kind in ENDINGS}


TABLE: Final[Mapping[Step, Mapping[str, Cell]]] = {
    Step.MENU: {
        **EVERYWHERE,
        "new_story": Cell("new_story"),
        "to_story": Cell("open_story"),
        "story_continue": Cell("continue_story"),
        "stories": Cell("shelf"),
        "lucky": Cell("lucky", Step.SUMMARY),
        "bring": Cell("bring"),
        "profile": Cell("profile"),
        "characters": Cell("characters"),
        "/end_story": Cell("ask_ending"),
        "chat": Cell("open_chat", Step.CHAT),
        WORDS: Cell("keep_words"),
        FILE: Cell("keep_file"),
    },
    Step.RESUME: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        "draft_continue": Cell("resume_draft"),
        "draft_restart": Cell("start_wizard", Step.GENRE),
        "bring": Cell("bring"),
        "/new_story": Cell("ask_again"),
        "/story": Cell("ask_again"),
    },
    Step.GENRE: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        WORDS: Cell("take_genre", Step.HERO),
        "lucky": Cell("lucky", Step.SUMMARY),
        "bring": Cell("bring"),
    },
    Step.HERO: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        WORDS: Cell("take_hero", Step.SETTING),
        "others": Cell("other_presets"),
        "back": Cell("ask_again", Step.GENRE),
    },
    Step.SETTING: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        WORDS: Cell("take_setting", Step.EXTRA),
        "others": Cell("other_presets"),
        "back": Cell("ask_again", Step.HERO),
    },
    Step.EXTRA: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        WORDS: Cell("add_extra"),
        "skip": Cell("ask_again", Step.SUMMARY),
        "done": Cell("ask_again", Step.SUMMARY),
        "back": Cell("ask_again", Step.SETTING),
    },
    Step.SUMMARY: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        "begin": Cell("begin", Step.STORY, writes=True),
        "change": Cell("ask_again", Step.CHANGE),
        "lucky_again": Cell("lucky", Step.SUMMARY),
        "back": Cell("ask_again", Step.EXTRA),
    },
    Step.CHANGE: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        "field_genre": Cell("ask_again", Step.EDIT_GENRE),
        "field_hero": Cell("ask_again", Step.EDIT_HERO),
        "field_setting": Cell("ask_again", Step.EDIT_SETTING),
        "field_extra": Cell("ask_again", Step.EDIT_EXTRA),
        "back": Cell("ask_again", Step.SUMMARY),
    },
    Step.EDIT_GENRE: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        WORDS: Cell("take_genre", Step.SUMMARY),
        "back": Cell("ask_again", Step.CHANGE),
    },
    Step.EDIT_HERO: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        WORDS: Cell("take_hero", Step.SUMMARY),
        "others": Cell("other_presets"),
        "back": Cell("ask_again", Step.CHANGE),
    },
    Step.EDIT_SETTING: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        WORDS: Cell("take_setting", Step.SUMMARY),
        "others": Cell("other_presets"),
        "back": Cell("ask_again", Step.CHANGE),
    },
    Step.EDIT_EXTRA: {
        **EVERYWHERE,
        **LEAVE_WIZARD,
        WORDS: Cell("replace_extra", Step.SUMMARY),
        "skip": Cell("clear_extra", Step.SUMMARY),
        "back": Cell("ask_again", Step.CHANGE),
    },
    Step.STORY: {
        **EVERYWHERE,
        WORDS: Cell("write_from_words", writes=True),
        FILE: Cell("keep_file"),
        "next": Cell("write_on", writes=True),
        "story_continue": Cell("write_on", writes=True),
        "suggest": Cell("suggest", writes=True),
        "variant": Cell("another_variant", writes=True),
        "undo": Cell("undo", moves=True),
        "more": Cell("more"),
        "share": Cell("share"),
        "finale": Cell("ask_ending", Step.FINALE, moves=True),
        "/end_story": Cell("ask_ending", Step.FINALE, moves=True),
    },
    Step.FINALE: {
        **EVERYWHERE,
        **ENDING_CELLS,
        WORDS: Cell("write_own_ending", Step.STORY, writes=True),
        "finale": Cell("ask_again"),
        "keep_writing": Cell("open_story", Step.STORY),
        "story_continue": Cell("open_story", Step.STORY),
        "/continue": Cell("open_story", Step.STORY),
        "/cancel": Cell("open_story", Step.STORY),
        "/end_story": Cell("ask_again"),
    },
    Step.FINISHED: {
        **EVERYWHERE,
        WORDS: Cell("keep_words"),
        FILE: Cell("keep_file"),
        "new_story": Cell("new_story"),
        **WAYS_ON_CELLS,
        "epilogue": Cell("write_epilogue", writes=True),
        "second_volume": Cell("second_volume", writes=True),
        "read": Cell("whole_story"),
        "share": Cell("share"),
        "another_finale": Cell("another_variant", writes=True),
        "download": Cell("download"),
        "same_settings": Cell("same_settings", Step.SUMMARY),
        "characters": Cell("characters"),
        "chat": Cell("open_chat", Step.CHAT),
    },
    Step.CORRECT: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("correct", moves=True),
    },
    Step.MEMORY: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("rewrite_memory"),
        "rebuild": Cell("rebuild_memory", writes=True),
    },
    Step.TONE: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("set_tone"),
        **STYLE_CELLS,
    },
    Step.RENAME: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("rename"),
    },
    Step.NOTE: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("set_note"),
        "drop_note": Cell("drop_note"),
    },
    Step.CARD: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("add_card"),
    },
    Step.EDIT_CARD: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("change_card"),
    },
    Step.FIND: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("find"),
    },
    Step.CHAT: {
        **EVERYWHERE,
        WORDS: Cell("talk", writes=True),
        FILE: Cell("talk", writes=True),
        "forget_chat": Cell("forget_chat", moves=True),
        "role": Cell("modes"),
        "chat": Cell("open_chat", Step.CHAT),
    },
    Step.CHARACTER: {
        **EVERYWHERE,
        WORDS: Cell("talk_to_character", writes=True),
        FILE: Cell("talk_to_character", writes=True),
        "characters": Cell("characters"),
        "to_story": Cell("back_to_story"),
        "write_first": Cell("write_first"),
        "not_first": Cell("not_first"),
        "/clear": Cell("forget_character", moves=True),
    },
    Step.ROLE: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("set_role"),
        "role_reset": Cell("reset_role"),
    },
    Step.IMAGE: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("take_image"),
    },
    Step.BRING: {
        **EVERYWHERE,
        **LEAVE_QUESTION,
        WORDS: Cell("take_brought", moves=True),
        FILE: Cell("take_brought", moves=True),
    },
}

# What replaces a cell while the model writes.
_DROPPED_WHILE_WRITING: Final = Cell("already_writing")
_QUEUED_WHILE_WRITING: Final = Cell("queue_words")
_REFUSED_WHILE_WRITING: Final = Cell("busy_writing")
_STOPPED_WHILE_WRITING: Final = Cell("stop_writing")


def decide(step: Step, key: str, *, writing: bool = False) -> Cell:
    """Return what answers `key` at `step`.

    `writing`: a turn of this chat is waiting or running, or messages wait for one.
    """
    cell = TABLE[step].get(key, WRONG_STATE)
    if not writing:
        return cell
    if key == "stop" or (key == "/cancel" and step not in IN_WIZARD and step not in ANSWERS):
        return _STOPPED_WHILE_WRITING
    if step is Step.BRING and key in ("cancel", "/cancel"):
        return _STOPPED_WHILE_WRITING  # the text that was sent is being read: nothing else waits there
    if cell.writes:
        if key in (WORDS, FILE):
            return _QUEUED_WHILE_WRITING
        return _DROPPED_WHILE_WRITING if key == "next" else _REFUSED_WHILE_WRITING
    return _REFUSED_WHILE_WRITING if cell.moves else cell


def accepted(step: Step) -> frozenset[str]:
    """Return the keys that have a meaning at `step`."""
    return frozenset(key for key, cell in TABLE[step].items() if cell != WRONG_STATE)
