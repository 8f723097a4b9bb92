"""«🙋 Попросить ещё»: a user asks the admins for tokens, sessions or access, and one of them decides by a button.

One request a user is open at a time. Whichever admin presses first answers it; the others are told so.
"""

from __future__ import annotations

import re

from config import Config
from conversation.keyboards import inline
from conversation.localization import Html, Texts
from core.schemas import Outgoing
from database import Account, User
from handlers.context import Services, UpdateContext, now
from turns import limits
from turns.limit_requests import BUTTON, reachable
from turns.message_view import sentence

Toast = str | None  # the key of a pop-up answer, if there is one

ASK_FOR_ACCESS = f"{BUTTON}access"  # the one button that works for somebody banned
SMALL_PART = 3  # the smaller amount is a third of the usual one
MORE_SESSIONS = 10

# what is given, how much, to whom, and when they asked
_GIFT = re.compile(r"(tokens|sessions|access|nothing):(\d{1,13}):(\d{1,18}):(\d{1,12})")


def amounts(config: Config) -> tuple[int, int]:
    """Tokens that a button gives: what a new user has, and a part of it; a few turns where a new user has none."""
    usual = config.user_tokens or 10 * limits.turn_price(config)
    return usual, max(1, usual // SMALL_PART)


# ---------------------------------------------------------------------- the user


def closed(services: Services, user: User, chat_id: int) -> Outgoing:
    """What a banned user reads, whatever they send or press: that the bot is closed to them, and in private how to
    ask.
    """
    texts = services.locales[user.language]
    if chat_id != user.id or not reachable(services.config, services.db):
        return sentence(chat_id, texts.say("trouble.banned"))
    return sentence(chat_id, texts.say("trouble.banned_ask"), inline([(texts.label("ask_access"), ASK_FOR_ACCESS)]))


def full(services: Services, texts: Texts) -> Html:
    """What somebody reads for whom there is no place: whom to ask, where an admin has a name to write to."""
    named = [f"@{admin.username}" for admin in reachable(services.config, services.db) if admin.username]
    if not named:
        return texts.say("trouble.users", limit=services.config.max_users)
    return texts.say("trouble.users_ask", limit=services.config.max_users, admins=", ".join(named))


def ask(context: UpdateContext, what: str) -> Toast:
    """The user's press. The admins get the request with buttons, the user is told that they have it."""
    services, account = context.services, context.services.db.accounts.get(context.user.id)
    if account is None or account.banned is not (what == "access"):
        return "toast.past"
    admins = reachable(services.config, services.db)
    if not admins:
        return "toast.nobody_to_ask"
    asked_at = now()
    if not services.db.accounts.ask_more(account.id, asked_at):
        return "toast.asked_already"
    for admin in admins:
        context.result.send(_request(services, admin, account, what, asked_at))
    context.say("asking.asked")
    return None


def _request(services: Services, admin: User, account: Account, what: str, asked_at: int) -> Outgoing:
    """What one admin gets: who asks for what, what they have used, and the buttons to decide by."""
    config, texts = services.config, services.locales[admin.language]
    text = texts.say(
        f"asking.for_{what}",
        who=who(texts, account),
        left=account.free,
        spent=account.spent,
        requests=account.requests,
        sessions=account.sessions,
        limit=config.max_sessions_per_user + account.more_sessions,
    )

    def gift(label: str, given: str, amount: int) -> tuple[str, str]:
        return texts.label(label, n=amount), f"give:{given}:{amount}:{account.id}:{asked_at}"

    gifts = {
        "tokens": [gift("give_tokens", "tokens", amount) for amount in amounts(config)],
        "sessions": [gift("give_sessions", "sessions", MORE_SESSIONS)],
        "access": [gift("give_access", "access", 0)],
    }
    rows = [[button] for button in gifts[what]]
    return sentence(admin.id, text, inline(*rows, [gift("decline", "nothing", 0)]))


# ---------------------------------------------------------------------- the admin


def give(context: UpdateContext, data: str) -> Toast:
    """An admin's press under a request: the first one counts, and the user hears of it."""
    found = _GIFT.fullmatch(data)
    if found is None or context.user.id not in context.services.config.admin_ids:
        return "toast.past"
    what, amount, user_id, asked_at = found[1], int(found[2]), int(found[3]), int(found[4])
    accounts = context.services.db.accounts
    account = accounts.get(user_id)
    if account is None or not accounts.answer_more(user_id, asked_at):
        context.drop_buttons()
        return "toast.answered_already"
    name = who(context.texts, account)
    if what == "tokens":
        grant_tokens(context, account, amount)
        context.edit("admin.granted_tokens", who=name, n=amount)
    elif what == "sessions":
        grant_sessions(context, account, amount)
        context.edit("admin.granted_sessions", who=name, n=amount)
    elif what == "access":
        unban(context, account)
        context.edit("admin.unbanned", who=name)
    else:
        if account.banned:  # a no to somebody who is kept out holds for a while
            accounts.ask_more(user_id, now())
        tell(context, account, "asking.declined")
        context.edit("admin.declined", who=name)
    return None


def grant_tokens(context: UpdateContext, account: Account, tokens: int) -> None:
    """Adds `tokens` to the balance, and tells the account's owner how many turns that makes with what was free."""
    context.services.db.accounts.grant_tokens(account.id, tokens)
    weight = context.services.registry.standing(account.model).weight
    turns = limits.turns_left(context.services.config, account.free + tokens, weight)
    tell(context, account, "asking.tokens_granted", tokens=tokens, turns=turns)


def grant_sessions(context: UpdateContext, account: Account, sessions: int) -> None:
    """Lets the account begin `sessions` more sessions, and tells its owner."""
    context.services.db.accounts.grant_sessions(account.id, sessions)
    tell(context, account, "asking.sessions_granted", sessions=sessions)


def unban(context: UpdateContext, account: Account) -> bool:
    """Opens the bot to somebody again; False where it was open."""
    opened = context.services.db.accounts.set_banned(account.id, False)
    if opened:
        tell(context, account, "asking.access_granted")
    return opened


def tell(context: UpdateContext, account: Account, key: str, **values: object) -> None:
    """Says a sentence to another user, in their language and chat."""
    context.result.send(sentence(account.id, context.services.locales[account.language].say(key, **values)))


def who(texts: Texts, account: Account) -> Html:
    """A user as admins see them: name, @name, id."""
    if account.username:
        return texts.say("admin.who", name=account.name, username=account.username, id=str(account.id))
    return texts.say("admin.who_unnamed", name=account.name, id=str(account.id))
