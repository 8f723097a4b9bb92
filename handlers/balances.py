"""What tokens are enough for, said of a balance or of a price: turns of a user's model, and a story's ending."""

from __future__ import annotations

from conversation.localization import Html, Texts
from database import Account, User
from handlers.context import Services, UpdateContext
from turns import limits


def balance(context: UpdateContext) -> Html:
    """Return the user's balance: what it is enough for, and its free tokens. Admins have no limit."""
    return balance_to_say(context.services, context.texts, context.user)


def turns_left(context: UpdateContext) -> int:
    """Return about how many turns of their model the user can pay, without the ending that is kept for them."""
    return turns_of_tokens(context.services, context.user, context.user.free)


def price_of(context: UpdateContext, tokens: int) -> Html:
    """Return a price: about how many turns of the user's model it is, and the tokens."""
    turns = limits.turns_of(context.config, tokens, context.model.weight)
    return context.texts.say("balance.left" if turns else "balance.less", turns=turns, tokens=tokens)


def balance_to_say(services: Services, texts: Texts, user: User | Account) -> Html:
    """Return the balance of any user, as `balance` does."""
    if user.id in services.config.admin_ids:
        return texts.say("balance.unlimited")
    return balance_of(services, texts, user, user.free)


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
