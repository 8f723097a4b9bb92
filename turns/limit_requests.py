"""Asking the admins for more: who can be asked, and what a used-up limit says about it.

The request itself, and an admin's answer to it, are in `handlers.appeals`.
"""

from __future__ import annotations

from config import Config
from conversation.localization import Html, Texts
from database import Database, User

BUTTON = "account:ask_"  # and `tokens`, `sessions` or `access`


def reachable(config: Config, db: Database) -> list[User]:
    """The admins whom the bot can write to: those who have begun a chat with it, and still let it write."""
    admins = (db.users.get(admin_id) for admin_id in sorted(config.admin_ids))
    return [admin for admin in admins if admin is not None and not admin.blocked]


def how_to_get(
    config: Config, db: Database, texts: Texts, what: str, *, private: bool = True
) -> tuple[Html, list[tuple[str, str]]]:
    """How to get more `what` (tokens, sessions): the sentence, and its button where there is somebody to ask."""
    if not reachable(config, db):
        return texts.say("asking.nobody"), []
    if not private:  # a group needn't see who asks, nor press for them
        return texts.say("asking.privately"), []
    return texts.say("asking.may"), [(texts.label("ask_more"), f"{BUTTON}{what}")]
