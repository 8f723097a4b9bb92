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
from handlers.balances import balance_of
from handlers.context import Services, UpdateContext, now
from telegram.update_result import NOTHING, UpdateResult
from turns import limits
from turns.limit_requests import BUTTON, reachable
from turns.message_view import sentence

ASK_FOR_ACCESS = f"{BUTTON}access"  # the one button that works for somebody banned
SMALL_PART = 3  # the smaller amount is a third of the usual one
MORE_SESSIONS = 10

# what is given, how much, to whom, and when they asked
_GIFT = re.compile(r"(tokens|sessions|access|nothing):(\d{1,13}):(\d{1,18}):(\d{1,12})")


def amounts(config: Config) -> tuple[int, int]:
    """Return the tokens that the two buttons give: what a new user has (ten turns if nothing), and a third of it."""
    usual = config.user_tokens or 10 * limits.turn_price(config)
    return usual, max(1, usual // SMALL_PART)


# ---------------------------------------------------------------------- the user


def closed(services: Services, user: User, chat_id: int) -> Outgoing:
    """Return what a banned user reads, whatever they send: the bot is closed to them; in private also how to ask."""
    texts = services.locales[user.language]
    if chat_id != user.id or not reachable(services.config, services.db):
        return sentence(chat_id, texts.say("problem.banned"))
    return sentence(chat_id, texts.say("problem.banned_ask"), inline([(texts.label("ask_access"), ASK_FOR_ACCESS)]))


def full(services: Services, texts: Texts) -> Html:
    """Return what a new user of a full bot reads, with the admins to ask if any has an @name."""
    named = [f"@{admin.username}" for admin in reachable(services.config, services.db) if admin.username]
    if not named:
        return texts.say("problem.users", limit=services.config.max_users)
    return texts.say("problem.users_ask", limit=services.config.max_users, admins=", ".join(named))


def ask(context: UpdateContext, what: str) -> UpdateResult:
    """Send a user's request to the admins, with buttons to decide by."""
    services, account = context.services, context.db.accounts.get(context.user.id)
    if account is None or account.banned is not (what == "access"):
        return context.toast("toast.past")
    admins = reachable(services.config, services.db)
    if not admins:
        return context.toast("toast.nobody_to_ask")
    asked_at = now()
    if not services.db.accounts.ask_more(account.id, asked_at):
        return context.toast("toast.asked_already")
    requests = [_request(services, admin, account, what, asked_at) for admin in admins]
    return context.deliver(*requests) + context.say("asking.asked")


def _request(services: Services, admin: User, account: Account, what: str, asked_at: int) -> Outgoing:
    """Return what one admin gets: who asks for what, what they have used, and the buttons to decide by."""
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


def give(context: UpdateContext, data: str) -> UpdateResult:
    """Carry out an admin's decision on a request: the first one counts, and the user is told."""
    found = _GIFT.fullmatch(data)
    if found is None or not context.is_admin:
        return context.toast("toast.over")
    what, amount, user_id, asked_at = found[1], int(found[2]), int(found[3]), int(found[4])
    accounts = context.db.accounts
    account = accounts.get(user_id)
    if account is None or not accounts.answer_more(user_id, asked_at):
        return context.drop_buttons() + context.toast("toast.answered_already")
    name = who(context.texts, account)
    if what == "tokens":
        return grant_tokens(context, account, amount) + context.edit("admin.granted_tokens", who=name, n=amount)
    if what == "sessions":
        return grant_sessions(context, account, amount) + context.edit("admin.granted_sessions", who=name, n=amount)
    if what == "access":
        return (unban(context, account) or NOTHING) + context.edit("admin.unbanned", who=name)
    if account.banned:  # a refusal to a banned user holds for a while
        accounts.ask_more(user_id, now())
    return tell(context, account, "asking.declined") + context.edit("admin.declined", who=name)


def grant_tokens(context: UpdateContext, account: Account, tokens: int) -> UpdateResult:
    """Add tokens to a balance, and tell its owner what they have now."""
    context.db.accounts.grant_tokens(account.id, tokens)
    texts = context.services.locales[account.language]
    balance = balance_of(context.services, texts, account, account.free + tokens)
    return tell(context, account, "asking.tokens_granted", tokens=tokens, balance=balance)


def grant_sessions(context: UpdateContext, account: Account, sessions: int) -> UpdateResult:
    """Allow an account more sessions, and tell its owner."""
    context.db.accounts.grant_sessions(account.id, sessions)
    return tell(context, account, "asking.sessions_granted", sessions=sessions)


def unban(context: UpdateContext, account: Account) -> UpdateResult | None:
    """Open the bot to a user again, and tell them; None if it was open."""
    opened = context.db.accounts.set_banned(account.id, False)
    return tell(context, account, "asking.access_granted") if opened else None


def tell(context: UpdateContext, account: Account, key: str, **values: object) -> UpdateResult:
    """Say a sentence to another user, in their language and chat."""
    return context.deliver(sentence(account.id, context.services.locales[account.language].say(key, **values)))


def who(texts: Texts, account: Account) -> Html:
    """Return a user as admins see them: name, @name, id."""
    if account.username:
        return texts.say("admin.who", name=account.name, username=account.username, id=str(account.id))
    return texts.say("admin.who_unnamed", name=account.name, id=str(account.id))
