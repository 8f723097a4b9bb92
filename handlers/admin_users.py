"""For admins: who uses the bot and what they spent, gifts of tokens and sessions, closing the bot to somebody.

For everybody else these commands don't exist. A wrong argument gets a sentence that says what is awaited.
"""

from __future__ import annotations

from functools import partial

from conversation.keyboards import inline
from conversation.localization import Html
from core.schemas import Json
from database import Account
from handlers import access_requests
from handlers.admin import is_admin
from handlers.context import UpdateContext, now
from handlers.fallback import unknown_command
from handlers.library import day

Toast = str | None  # the key of a pop-up answer, if there is one

PAGE = 8
MOST_GIVEN = 10**9
_NUMBER_CHARS = 18  # of Telegram's ids, and of what SQLite counts to


# ---------------------------------------------------------------------- /users


def show(context: UpdateContext) -> None:
    """/users: everybody, or those in whose name, @name or id the given words are."""
    if not is_admin(context):
        unknown_command(context)
        return
    words = context.words.partition(" ")[2].strip()
    kept_id = context.services.db.users.keep_words(context.user.id, words, None, now()) if words else 0
    html, keyboard = _page(context, words, 0, kept_id)
    context.send(html, keyboard=keyboard)


def turn_page(context: UpdateContext, data: str) -> Toast:
    """◀ ▶: `page:id of the kept words`, which are 0 for everybody."""
    page, _, kept = data.partition(":")
    if not is_admin(context) or not _is_number(page) or not _is_number(kept):
        return "toast.past"
    words = context.services.db.users.kept_words(context.user.id, int(kept)) if int(kept) else ""
    if words is None:
        return "toast.past"
    html, keyboard = _page(context, words, int(page), int(kept))
    context.edit_html(html, keyboard=keyboard)
    return None


def _page(context: UpdateContext, words: str, page: int, kept_id: int) -> tuple[Html, Json]:
    found = context.services.db.accounts.find(words)
    if not found:
        return context.texts.say("admin.users_none", words=words), None
    pages = (len(found) + PAGE - 1) // PAGE
    page = page if page < pages else 0
    lines = [_line(context, user_id) for user_id in found[page * PAGE : (page + 1) * PAGE]]
    html = Html("\n\n".join([context.texts.say("admin.users", n=len(found)), *lines]))
    if pages == 1:
        return html, None
    steps = (("◀", page - 1), (f"{page + 1}/{pages}", page), ("▶", page + 1))
    return html, inline([(label, f"users:{to % pages}:{kept_id}") for label, to in steps])


def _line(context: UpdateContext, user_id: int) -> Html:
    """Who, what is left and spent, and when they last asked a model."""
    texts, account = context.texts, context.services.db.accounts.get(user_id)
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


def grant(context: UpdateContext) -> None:
    """/grant ID N: tokens; with a word for sessions behind it, sessions."""
    if not is_admin(context):
        unknown_command(context)
        return
    arguments = context.words.split()[1:]
    if len(arguments) not in (2, 3) or not _is_sum(arguments[1]):
        context.say("admin.grant_usage", most=MOST_GIVEN)
        return
    of_sessions = len(arguments) == 3
    if of_sessions and arguments[2].casefold() not in _words_for_sessions(context):
        context.say("admin.grant_usage", most=MOST_GIVEN)
        return
    account = _account(context, arguments[0])
    if account is None:
        return
    amount, name = int(arguments[1]), access_requests.who(context.texts, account)
    if of_sessions:
        access_requests.grant_sessions(context, account, amount)
        context.say("admin.granted_sessions", who=name, n=amount)
    elif _is_admin(context, account):
        context.say("admin.needs_no_tokens", who=name)
    else:
        access_requests.grant_tokens(context, account, amount)
        context.say("admin.granted_tokens", who=name, n=amount)


def ban(context: UpdateContext) -> None:
    """/ban ID: closes the bot to somebody, and stops what it writes for them."""
    account = _named(context, "admin.ban_usage")
    if account is None:
        return
    name = access_requests.who(context.texts, account)
    if _is_admin(context, account):
        context.say("admin.ban_admin", who=name)
        return
    if not context.services.db.accounts.set_banned(account.id, True):
        context.say("admin.banned_before", who=name)
        return
    turns = context.services.turns
    for turn in context.services.db.turns.open_by(account.id):
        for message in turns.end_by_stop(turn):
            context.result.send(message)
        context.after(partial(turns.release, turn))
    context.say("admin.banned", who=name)


def unban(context: UpdateContext) -> None:
    """/unban ID: opens it again."""
    account = _named(context, "admin.unban_usage")
    if account is not None:
        opened = access_requests.unban(context, account)
        context.say(
            "admin.unbanned" if opened else "admin.unbanned_before", who=access_requests.who(context.texts, account)
        )


def _named(context: UpdateContext, usage: str) -> Account | None:
    """The user that a command's one argument names; None, and said so, where it names none."""
    if not is_admin(context):
        unknown_command(context)
        return None
    arguments = context.words.split()[1:]
    if len(arguments) != 1:
        context.say(usage)
        return None
    return _account(context, arguments[0])


def _account(context: UpdateContext, named: str) -> Account | None:
    """Whose id or @name this is; None, and said so, where nobody has it."""
    accounts = context.services.db.accounts
    account = accounts.get(int(named)) if _is_number(named) else accounts.named(named.removeprefix("@"))
    if account is None:
        context.say("admin.no_such_user", named=named)
    return account


def _words_for_sessions(context: UpdateContext) -> set[str]:
    """The words for sessions in every language: an admin may type whichever."""
    locales = context.services.locales
    return {word for language in locales for word in locales[language].plain("admin.session_words").split()}


def _is_admin(context: UpdateContext, account: Account) -> bool:
    return account.id in context.services.config.admin_ids


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _NUMBER_CHARS


def _is_sum(text: str) -> bool:
    return _is_number(text) and 0 < int(text) <= MOST_GIVEN
