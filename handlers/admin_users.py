"""For admins: who uses the bot and what they spent, gifts of tokens and sessions, closing the bot to somebody.

For everybody else these commands don't exist. A wrong argument gets a sentence that says what is awaited.
"""

from __future__ import annotations

from collections.abc import Callable

from conversation.keyboards import arrows, inline, pages_of
from conversation.localization import Html
from core.numbers import is_number
from core.schemas import Json
from database import Account
from handlers import access_requests
from handlers.context import UpdateContext, join, now, stop_turn
from handlers.dates import day
from handlers.fallback import unknown_command
from handlers.refunds import cancel_subscriptions
from telegram.update_result import UpdateResult

PAGE = 8
MOST_GIVEN = 10**9


# ---------------------------------------------------------------------- /users


def show(context: UpdateContext) -> UpdateResult:
    """/users: show all users, or those whose name, @name or id has the given words."""
    if not context.is_admin:
        return unknown_command(context)
    words = context.words.partition(" ")[2].strip()
    kept_id = context.db.users.keep_words(context.user.id, words, None, now()) if words else 0
    html, keyboard = _page(context, words, 0, kept_id)
    return context.send(html, keyboard=keyboard)


def turn_page(context: UpdateContext, data: str) -> UpdateResult:
    """◀ ▶: show another page. `data` is `page:id of the kept words`, with id 0 for all users."""
    page, _, kept = data.partition(":")
    if not context.is_admin or not is_number(page) or not is_number(kept):
        return context.toast("toast.over")
    words = context.db.users.kept_words(context.user.id, int(kept)) if int(kept) else ""
    if words is None:
        return context.toast("toast.over")
    html, keyboard = _page(context, words, int(page), int(kept))
    return context.edit_html(html, keyboard=keyboard)


def _page(context: UpdateContext, words: str, page: int, kept_id: int) -> tuple[Html, Json]:
    found = context.db.accounts.find(words)
    if not found:
        return context.texts.say("admin.users_none", words=words), None
    pages = pages_of(len(found), PAGE)
    page = page if page < pages else 0
    lines = [_line(context, user_id) for user_id in found[page * PAGE : (page + 1) * PAGE]]
    html = Html("\n\n".join([context.texts.say("admin.users", n=len(found)), *lines]))
    if pages == 1:
        return html, None
    return html, inline(arrows(f"{page + 1}/{pages}", page, [f"users:{to}:{kept_id}" for to in range(pages)]))


def _line(context: UpdateContext, user_id: int) -> Html:
    """Return who it is, what is left and spent, and when they last asked a model."""
    texts, account = context.texts, context.db.accounts.get(user_id)
    assert account is not None
    asked_at = account.last_request_at
    line = texts.say(
        "admin.user",
        who=access_requests.who(texts, account),
        left=texts.say("balance.unlimited") if _is_admin(context, account) else account.free,
        spent=account.spent,
        when=texts.say("stats.never") if asked_at is None else day(texts, asked_at),
    )
    banned = texts.say("admin.user_banned")
    return Html(f"{line} {banned}") if account.banned else line


# ---------------------------------------------------------------------- /grant, /ban, /unban


def grant(context: UpdateContext) -> UpdateResult:
    """/grant ID N: give tokens; with a word for sessions behind it, sessions."""
    if not context.is_admin:
        return unknown_command(context)
    arguments = context.words.split()[1:]
    of_sessions = len(arguments) == 3 and arguments[2].casefold() in _words_for_sessions(context)
    if not (len(arguments) == 2 or of_sessions) or not _is_sum(arguments[1]):
        return context.say("admin.grant_usage", most=MOST_GIVEN)
    account = _account(context, arguments[0])
    if account is None:
        return context.say("admin.no_such_user", named=arguments[0])
    amount, name = int(arguments[1]), access_requests.who(context.texts, account)
    if of_sessions:
        granted = access_requests.grant_sessions(context, account, amount)
        return granted + context.say("admin.granted_sessions", who=name, n=amount)
    if _is_admin(context, account):
        return context.say("admin.needs_no_tokens", who=name)
    granted = access_requests.grant_tokens(context, account, amount)
    return granted + context.say("admin.granted_tokens", who=name, n=amount)


def ban(context: UpdateContext) -> UpdateResult:
    """/ban ID: close the bot to a user, and stop what it writes for them."""
    return _for_named(context, "admin.ban_usage", _ban)


def _ban(context: UpdateContext, account: Account) -> UpdateResult:
    name = access_requests.who(context.texts, account)
    if _is_admin(context, account):
        return context.say("admin.ban_admin", who=name)
    if not context.db.accounts.set_banned(account.id, True):
        return context.say("admin.banned_before", who=name)
    turns = context.turns
    stopped = join([stop_turn(turns, turn) for turn in context.db.turns.open_by(account.id)])
    unsubscribed = cancel_subscriptions(context.services, context.chat_id, account.id)
    return stopped + unsubscribed + context.say("admin.banned", who=name, id=str(account.id))


def unban(context: UpdateContext) -> UpdateResult:
    """/unban ID: open the bot to a user again."""
    return _for_named(context, "admin.unban_usage", _unban)


def _unban(context: UpdateContext, account: Account) -> UpdateResult:
    name = access_requests.who(context.texts, account)
    opened = access_requests.unban(context, account)
    if opened is None:
        return context.say("admin.unbanned_before", who=name)
    return opened + context.say("admin.unbanned", who=name)


def _for_named(
    context: UpdateContext, usage: str, action: Callable[[UpdateContext, Account], UpdateResult]
) -> UpdateResult:
    """Run `action` for the user that a command's one argument names."""
    if not context.is_admin:
        return unknown_command(context)
    arguments = context.words.split()[1:]
    if len(arguments) != 1:
        return context.say(usage)
    account = _account(context, arguments[0])
    return action(context, account) if account is not None else context.say("admin.no_such_user", named=arguments[0])


def _account(context: UpdateContext, named: str) -> Account | None:
    """Return the user with this id or @name."""
    accounts = context.db.accounts
    return accounts.get(int(named)) if is_number(named) else accounts.named(named.removeprefix("@"))


def _words_for_sessions(context: UpdateContext) -> set[str]:
    """Return the words for sessions in every language: an admin may type any."""
    locales = context.services.locales
    return {word for language in locales for word in locales[language].plain("admin.session_words").split()}


def _is_admin(context: UpdateContext, account: Account) -> bool:
    return account.id in context.config.admin_ids


def _is_sum(text: str) -> bool:
    return is_number(text) and 0 < int(text) <= MOST_GIVEN
