"""The conversation as data: every step, what each accepts, and what comes next.

The whole conversation of a private chat stands in `TABLE`. A step is where a person is; a key is what
they pressed or sent, already translated from the label on the button (`texts.Locales.key_of`); a cell
names the action that answers it, and the step after it. Pure: no texts, no storage, no Telegram.

    menu ──new_story──▶ genre ─▶ hero ─▶ setting ─▶ extra ─▶ summary ──begin──▶ story ⇄ finale ─▶ finished
      ▲                   └────────── 🎲 lucky ──────────────▶ │  ▲                │
      ├───── cancel, menu ◀── any step                   change ──┘ edit_*         └── menu
      └───── chat ◀── any step

Keys are labels' keys (`next`, `finale`), commands with their slash (`/help`), or one of the three
kinds of content: `WORDS`, `OTHER_CONTENT`, `UNKNOWN_COMMAND`. A voice message is words by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Step(StrEnum):
    """Where a person is. One column of the user's row; it moves by compare-and-set only."""

    MENU = "menu"
    RESUME = "resume"  # a draft was left halfway: go on with it, or start afresh
    GENRE = "genre"
    HERO = "hero"
    SETTING = "setting"
    EXTRA = "extra"
    SUMMARY = "summary"
    CHANGE = "change"  # which of the four to change
    EDIT_GENRE = "edit_genre"
    EDIT_HERO = "edit_hero"
    EDIT_SETTING = "edit_setting"
    EDIT_EXTRA = "edit_extra"
    STORY = "story"
    FINALE = "finale"  # which ending
    FINISHED = "finished"
    CORRECT = "correct"  # the last part in the user's own wording
    MEMORY = "memory"  # the story's memory in the user's own wording
    TONE = "tone"
    RENAME = "rename"  # a story's name
    FIND = "find"  # words to look for in one's stories
    CHAT = "chat"
    ROLE = "role"  # what the assistant is to be, in the user's own words
    CHARACTER = "character"  # a character answers
    IMAGE = "image"  # what to paint

    @property
    def text_name(self) -> str:
        """The name of the step's texts in the locales; a field has the same texts when it is edited."""
        return "draft" if self is Step.RESUME else self.value.removeprefix("edit_")


WORDS: Final = "words"
OTHER_CONTENT: Final = "other_content"  # a sticker, a picture, music, …
UNKNOWN_COMMAND: Final = "unknown_command"

WIZARD: Final = (Step.GENRE, Step.HERO, Step.SETTING, Step.EXTRA, Step.SUMMARY)  # steps 1 to 5, in order
EDITS: Final = (Step.EDIT_GENRE, Step.EDIT_HERO, Step.EDIT_SETTING, Step.EDIT_EXTRA)
IN_WIZARD: Final = frozenset({Step.RESUME, *WIZARD, Step.CHANGE, *EDITS})
ANSWERS: Final = (Step.CORRECT, Step.MEMORY, Step.TONE, Step.RENAME, Step.FIND, Step.ROLE, Step.IMAGE)  # one answer
TALKING: Final = frozenset({Step.CHAT, Step.CHARACTER})  # words are said to somebody, and answered
TONES: Final = ("light", "dark", "lyrical", "brisk", "child", "any")
LENGTHS: Final = ("short", "middle", "long")
# Labels that could as well be somebody's own word: buttons at their own step only.
ONLY_THERE: Final = frozenset({f"tone_{name}" for name in TONES} | {f"length_{name}" for name in LENGTHS})
ENDINGS: Final = ("happy", "tragic", "unexpected", "any")

ADMIN_COMMANDS: Final = frozenset({"/debug", "/logs", "/users", "/grant", "/ban", "/unban", "/stop"})
COMMANDS: Final = ADMIN_COMMANDS | frozenset(
    {"/start", "/help", "/new_story", "/stories", "/cancel", "/whole_story", "/end_story", "/language", "/model"}
    | {"/balance", "/stats", "/info", "/image", "/characters", "/menu", "/my_data", "/forget_me"}
    | {"/chat", "/prompt", "/system", "/modes", "/clear", "/t", "/sessions"}
)

# The most characters that a person's own words may have at a step.
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
    Step.TONE: 200,
    Step.RENAME: 60,
    Step.FIND: 60,
    Step.ROLE: 2000,
    Step.IMAGE: 500,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What answers a key at a step: the action's name, and the step after it (None: stays)."""

    action: str
    to: Step | None = None
    writes: bool = False  # the model is asked: while it writes already, this waits or is dropped
    moves: bool = False  # changes what the story goes on from: refused while the model writes


WRONG_STATE: Final = Cell("wrong_state")

# What works at every step. Informing changes no step; in the wizard the question is asked again.
_EVERYWHERE: Final[Mapping[str, Cell]] = {
    "/start": Cell("welcome"),
    "/help": Cell("help"),
    "help": Cell("help"),
    "/new_story": Cell("new_story"),
    "/stories": Cell("shelf"),
    "/language": Cell("language"),
    "/model": Cell("model"),
    "/cancel": Cell("nothing_to_cancel"),
    "stop": Cell("nothing_to_stop"),
    "/whole_story": Cell("whole_story"),
    "/end_story": Cell("wrong_state"),
    "menu": Cell("open_menu", Step.MENU),
    "/balance": Cell("balance"),
    "/stats": Cell("stats"),
    "/info": Cell("info"),
    **{command: Cell(command[1:]) for command in ("/my_data", "/forget_me")},
    # the chat
    "/chat": Cell("open_chat", Step.CHAT),
    "/prompt": Cell("prompt"),
    "/system": Cell("prompt"),
    "/modes": Cell("modes"),
    "/clear": Cell("forget_chat", moves=True),
    "/t": Cell("tokens"),
    "/sessions": Cell("sessions"),
    # characters: «меню» is the button's, /menu theirs
    "/characters": Cell("characters"),
    "/menu": Cell("characters"),
    "/image": Cell("image"),
    "/debug": Cell("debug"),
    "/logs": Cell("logs"),
    "/users": Cell("users"),
    "/grant": Cell("grant"),
    "/ban": Cell("ban"),
    "/unban": Cell("unban"),
    "/stop": Cell("stop_bot"),
    UNKNOWN_COMMAND: Cell("unknown_command"),
    OTHER_CONTENT: Cell("other_content"),
    WORDS: WRONG_STATE,
}
_CANCEL: Final[Mapping[str, Cell]] = {
    "cancel": Cell("leave_wizard", Step.MENU),
    "/cancel": Cell("leave_wizard", Step.MENU),
}
_BACK_OUT: Final[Mapping[str, Cell]] = {"cancel": Cell("leave_question"), "/cancel": Cell("leave_question")}
_STYLE_CELLS: Final = {f"tone_{name}": Cell("set_tone") for name in TONES} | {
    f"length_{name}": Cell("set_length") for name in LENGTHS
}
_ENDING_CELLS: Final = {f"ending_{kind}": Cell("write_ending", Step.STORY, writes=True) for kind in ENDINGS}


def _at(cells: Mapping[str, Cell], *shared: Mapping[str, Cell]) -> Mapping[str, Cell]:
    row = dict(_EVERYWHERE)
    for part in (*shared, cells):
        row.update(part)
    return row


TABLE: Final[Mapping[Step, Mapping[str, Cell]]] = {
    Step.MENU: _at(
        {
            "new_story": Cell("new_story"),
            "to_story": Cell("open_story"),
            "stories": Cell("shelf"),
            "lucky": Cell("lucky", Step.SUMMARY),
            "profile": Cell("profile"),
            "characters": Cell("characters"),
            "/end_story": Cell("ask_ending"),
            "chat": Cell("open_chat", Step.CHAT),
            WORDS: Cell("keep_words"),
        }
    ),
    Step.RESUME: _at(
        {
            "draft_continue": Cell("resume_draft"),
            "draft_restart": Cell("start_wizard", Step.GENRE),
            "/new_story": Cell("ask_again"),
        },
        _CANCEL,
    ),
    Step.GENRE: _at({WORDS: Cell("take_genre", Step.HERO), "lucky": Cell("lucky", Step.SUMMARY)}, _CANCEL),
    Step.HERO: _at(
        {
            WORDS: Cell("take_hero", Step.SETTING),
            "others": Cell("other_presets"),
            "back": Cell("ask_again", Step.GENRE),
        },
        _CANCEL,
    ),
    Step.SETTING: _at(
        {
            WORDS: Cell("take_setting", Step.EXTRA),
            "others": Cell("other_presets"),
            "back": Cell("ask_again", Step.HERO),
        },
        _CANCEL,
    ),
    Step.EXTRA: _at(
        {
            WORDS: Cell("add_extra"),
            "skip": Cell("ask_again", Step.SUMMARY),
            "done": Cell("ask_again", Step.SUMMARY),
            "back": Cell("ask_again", Step.SETTING),
        },
        _CANCEL,
    ),
    Step.SUMMARY: _at(
        {
            "begin": Cell("begin", Step.STORY, writes=True),
            "change": Cell("ask_again", Step.CHANGE),
            "lucky_again": Cell("lucky", Step.SUMMARY),
            "back": Cell("ask_again", Step.EXTRA),
        },
        _CANCEL,
    ),
    Step.CHANGE: _at(
        {
            "field_genre": Cell("ask_again", Step.EDIT_GENRE),
            "field_hero": Cell("ask_again", Step.EDIT_HERO),
            "field_setting": Cell("ask_again", Step.EDIT_SETTING),
            "field_extra": Cell("ask_again", Step.EDIT_EXTRA),
            "back": Cell("ask_again", Step.SUMMARY),
        },
        _CANCEL,
    ),
    Step.EDIT_GENRE: _at({WORDS: Cell("take_genre", Step.SUMMARY), "back": Cell("ask_again", Step.CHANGE)}, _CANCEL),
    Step.EDIT_HERO: _at(
        {
            WORDS: Cell("take_hero", Step.SUMMARY),
            "others": Cell("other_presets"),
            "back": Cell("ask_again", Step.CHANGE),
        },
        _CANCEL,
    ),
    Step.EDIT_SETTING: _at(
        {
            WORDS: Cell("take_setting", Step.SUMMARY),
            "others": Cell("other_presets"),
            "back": Cell("ask_again", Step.CHANGE),
        },
        _CANCEL,
    ),
    Step.EDIT_EXTRA: _at(
        {
            WORDS: Cell("replace_extra", Step.SUMMARY),
            "skip": Cell("clear_extra", Step.SUMMARY),
            "back": Cell("ask_again", Step.CHANGE),
        },
        _CANCEL,
    ),
    Step.STORY: _at(
        {
            WORDS: Cell("write_from_words", writes=True),
            "next": Cell("write_on", writes=True),
            "suggest": Cell("suggest", writes=True),
            "variant": Cell("another_variant", writes=True),
            "undo": Cell("undo", moves=True),
            "more": Cell("more"),
            "finale": Cell("ask_ending", Step.FINALE, moves=True),
            "/end_story": Cell("ask_ending", Step.FINALE, moves=True),
        }
    ),
    Step.FINALE: _at(
        {
            **_ENDING_CELLS,
            WORDS: Cell("write_own_ending", Step.STORY, writes=True),
            "finale": Cell("ask_again"),
            "keep_writing": Cell("open_story", Step.STORY),
            "/cancel": Cell("open_story", Step.STORY),
            "/end_story": Cell("ask_again"),
        }
    ),
    Step.FINISHED: _at(
        {
            WORDS: Cell("keep_words"),
            "new_story": Cell("new_story"),
            "another_finale": Cell("another_variant", writes=True),
            "download": Cell("download"),
            "same_settings": Cell("same_settings", Step.SUMMARY),
            "characters": Cell("characters"),
            "chat": Cell("open_chat", Step.CHAT),
        }
    ),
    Step.CORRECT: _at({WORDS: Cell("correct", moves=True)}, _BACK_OUT),
    Step.MEMORY: _at({WORDS: Cell("rewrite_memory"), "rebuild": Cell("rebuild_memory", writes=True)}, _BACK_OUT),
    Step.TONE: _at({WORDS: Cell("set_tone"), **_STYLE_CELLS}, _BACK_OUT),
    Step.RENAME: _at({WORDS: Cell("rename")}, _BACK_OUT),
    Step.FIND: _at({WORDS: Cell("find")}, _BACK_OUT),
    Step.CHAT: _at(
        {
            WORDS: Cell("talk", writes=True),
            "forget_chat": Cell("forget_chat", moves=True),
            "role": Cell("modes"),
            "chat": Cell("open_chat", Step.CHAT),
        }
    ),
    Step.CHARACTER: _at(
        {
            WORDS: Cell("talk_to_character", writes=True),
            "characters": Cell("characters"),
            "/clear": Cell("forget_character", moves=True),
        }
    ),
    Step.ROLE: _at({WORDS: Cell("set_role"), "role_reset": Cell("reset_role")}, _BACK_OUT),
    Step.IMAGE: _at({WORDS: Cell("take_image")}, _BACK_OUT),
}

# While the model writes, a press of these is dropped with a word (a second one would only repeat the first).
_DROPPED_WHILE_WRITING: Final = Cell("already_writing")
_QUEUED_WHILE_WRITING: Final = Cell("queue_words")
_REFUSED_WHILE_WRITING: Final = Cell("busy_writing")
_STOPPED_WHILE_WRITING: Final = Cell("stop_writing")


def decide(step: Step, key: str, *, writing: bool = False) -> Cell:
    """What answers `key` at `step`. `writing`: a turn of this chat waits or runs, or words queue behind one."""
    cell = TABLE[step].get(key, WRONG_STATE)
    if not writing:
        return cell
    if key == "stop" or (key == "/cancel" and step not in IN_WIZARD and step not in ANSWERS):
        return _STOPPED_WHILE_WRITING
    if cell.writes:
        if key == WORDS:
            return _QUEUED_WHILE_WRITING
        return _DROPPED_WHILE_WRITING if key == "next" else _REFUSED_WHILE_WRITING
    return _REFUSED_WHILE_WRITING if cell.moves else cell


def accepted(step: Step) -> frozenset[str]:
    """Every key that means something at `step`."""
    return frozenset(key for key, cell in TABLE[step].items() if cell is not WRONG_STATE)
