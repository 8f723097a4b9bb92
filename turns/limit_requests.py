"""What a used-up limit says about buying tokens and about asking the admins for more.

The request and an admin's answer are in `handlers/access_requests.py`, what is sold in `handlers/payments.py`.
"""

from __future__ import annotations

from config import Config
from conversation.localization import Html, Texts
from database import Database, User

BUTTON = "account:ask_"  # and `tokens`, `sessions` or `access`
BUY = "packs"
BUY_BUTTON = f"buy:{BUY}"


def reachable(config: Config, db: Database) -> list[User]:
    """Return the admins whom the bot can write to: they have begun a chat with it and haven't blocked it."""
    admins = (db.users.get(admin_id) for admin_id in sorted(config.admin_ids))
    return [admin for admin in admins if admin is not None and not admin.blocked]


def how_to_get(
    config: Config, db: Database, texts: Texts, what: str, *, private: bool = True
) -> tuple[Html, list[tuple[str, str]]]:
    """Return how to get more `what` (tokens, sessions): the sentence, and the buttons to buy and to ask an admin."""
    buys = what == "tokens" and bool(config.packs)
    if not private and (buys or reachable(config, db)):  # a group must not see who asks, nor press the button for them
        return texts.say("buy.privately" if buys else "asking.privately"), []
    buying = [(texts.label("buy"), BUY_BUTTON)] if buys else []
    if not reachable(config, db):
        return texts.say("buy.only" if buys else "asking.nobody"), buying
    return texts.say("buy.or_ask" if buys else "asking.may"), [
        *buying,
        (texts.label("ask_more"), f"{BUTTON}{what}"),
    ]
