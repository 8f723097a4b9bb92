"""What tokens are enough for: turns of a user's model, and the ending of an unfinished story."""

from __future__ import annotations

from conversation.localization import Html, Texts
from database import Account, User
from handlers.context import Services
from turns import limits


def balance_of(services: Services, texts: Texts, user: User | Account, free: int) -> Html:
    """Return what `free` tokens are enough for, for this user."""
    turns, weight = turns_of_tokens(services, user, free), services.registry.standing(user.model).weight
    if services.db.stories.has_unfinished(user.id) and free >= limits.least_price(services.config, weight):
        return texts.say("balance.left_ending" if turns else "balance.ending", turns=turns, tokens=free)
    if turns:
        return texts.say("balance.left", turns=turns, tokens=free)
    return texts.say("balance.less", tokens=free) if free else texts.say("balance.nothing")


def turns_of_tokens(services: Services, user: User | Account, free: int) -> int:
    """Return about how many turns `free` tokens pay, without the ending that is kept for the user."""
    config, weight = services.config, services.registry.standing(user.model).weight
    kept = limits.kept_of_balance(config, weight) if services.db.stories.has_unfinished(user.id) else 0
    return limits.turns_left(config, free - kept, weight)
