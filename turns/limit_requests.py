"""What a used-up limit says about asking the admins for more.

The request and an admin's answer are in `handlers/access_requests.py`.
"""

from __future__ import annotations

from config import Config
from conversation.localization import Html, Texts
from database import Database, User

BUTTON = "account:ask_"  # and `tokens`, `sessions` or `access`


def reachable(config: Config, db: Database) -> list[User]:
    """Return the admins whom the bot can write to: they have begun a chat with it and haven't blocked it."""
    admins = (db.users.get(admin_id) for admin_id in sorted(config.admin_ids))
    return [admin for admin in admins if admin is not None and not admin.blocked]


def how_to_get(
    config: Config, db: Database, texts: Texts, what: str, *, private: bool = True
) -> tuple[Html, list[tuple[str, str]]]:
    """Return how to get more `what` (tokens, sessions): the sentence, and its button if an admin can be asked."""
    if not reachable(config, db):
        return texts.say("asking.nobody"), []
    if not private:  # a group must not see who asks, nor press the button for them
        return texts.say("asking.privately"), []
    return texts.say("asking.may"), [(texts.label("ask_more"), f"{BUTTON}{what}")]
