"""Roles of the assistant: the default one, the ready ones of the locales, and a user's own words.

Pure: rows of `chat_role` and texts in, system prompts out.
"""

from __future__ import annotations

from typing import Final

from conversation.localization import Texts
from database import Role

DEFAULT: Final = "assistant"
BARE: Final = "bare"  # without context: one question, one answer
MODES: Final = (
    DEFAULT,
    "translator",
    "editor",
    "teacher",
    "programmer",
    "english",
    "copywriter",
    "critic",
    "cook",
    "listener",
    "guide",
    "riddles",
    BARE,
)
MOST_CHARS: Final = 2_000  # of a user's own prompt


def remembers(role: Role) -> bool:
    """Whether a question is asked with what was said before it."""
    return role.mode != BARE


def title(texts: Texts, role: Role) -> str:
    """Return the name of a role."""
    return texts.plain("mode.own") if role.prompt else texts.plain(f"mode.name.{role.mode or DEFAULT}")


def system_prompt(texts: Texts, role: Role, memory: str, *, several: bool = False) -> str:
    """Return what a model is told to be. A user's own prompt stands as it is, before a line about safety.

    `several`: more than one person talks, and each has a number.
    """
    own = role.prompt or texts.prompt(f"role.{role.mode or DEFAULT}")
    rules = "" if role.prompt else texts.prompt("talk.rules")
    group = texts.prompt("talk.group") if several else ""
    safety = texts.prompt("talk.safety") if role.prompt else ""
    return texts.prompt("talk.system", role=own, rules=rules, safety=safety, group=group, memory=memory)
