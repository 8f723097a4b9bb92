"""«👤 Профиль», /balance and /info: what is left and spent, what the user has chosen, and the buttons to change it.

Days are UTC days, as the daily tokens are. The picture of days is drawn in `usage`.
"""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.localization import Html
from core.days import DAY_S, current_day
from core.schemas import Json
from core.version import VERSION
from database import Account, Story
from handlers import access_requests, models, payments, sessions
from handlers.account import admin_help, ask_language, repeat_question
from handlers.balances import balance, turns_left
from handlers.context import UpdateContext, now
from handlers.usage import DAYS, picture
from telegram.update_result import UpdateResult
from turns.limit_requests import BUY_BUTTON, how_to_get
from turns.message_view import title_of

BAR = 10  # characters
MODELS_NAMED = 12  # in /info; /model shows all
LOW_TURNS = 2  # left, and the profile offers to ask for more
HOUR_S = 3600


def show(context: UpdateContext) -> UpdateResult:
    """«👤 Профиль»: show the user's card."""
    html, keyboard = _profile(context)
    return context.send(html, keyboard=keyboard)


def show_balance(context: UpdateContext) -> UpdateResult:
    """/balance: say what is left, what was spent in all and today, and when tokens come back."""
    account = _account(context)
    asking, row = _low(context)
    said = [*_money(context, account), asking] if asking else _money(context, account)
    if payments.sells(context) and not row:
        row = [context.button("buy", BUY_BUTTON)]
    told = context.send(Html("\n".join(said)), keyboard=inline(row) if row else None)
    return told + repeat_question(context)


def info(context: UpdateContext) -> UpdateResult:
    """/info: say the version, the models, the open session, every command."""
    said = context.texts.say("info.text", version=VERSION, models=_models(context), opened=_opened(context))
    if context.config.packs:
        said = Html("\n".join((said, context.texts.say("buy.info"))))
    if context.config.shelf == "on":
        said = Html("\n".join((said, context.texts.say("public.info"))))
    if context.is_admin:
        said = Html(f"{said}\n\n{admin_help(context)}")
    return context.send(said) + repeat_question(context)


def _models(context: UpdateContext) -> Html:
    """Return the user's model, and the others that they may choose."""
    model = context.model.title or "…"
    others = [each.title for each in context.registry.models if each.name != context.model.name]
    if not others:
        return context.texts.say("info.model", model=model)
    named = [*others[:MODELS_NAMED], *(["…"] if len(others) > MODELS_NAMED else [])]
    return context.texts.say("info.models", model=model, others=", ".join(named))


def _opened(context: UpdateContext) -> Html:
    """Return the open session, how far it has come, and what it has spent."""
    session, limit = sessions.opened(context), context.config.max_tokens_per_session
    if session is None:
        return context.texts.say("info.nothing")
    if isinstance(session, Story):
        parts = context.db.tree.parts(session.head_id, session.starts_after)
        return context.texts.say("info.story", title=title_of(session), part=parts, spent=session.spent, limit=limit)
    return context.texts.say("info.talk", name=sessions.named(context, session), spent=session.spent, limit=limit)


def press(context: UpdateContext, what: str) -> UpdateResult:
    """Do what a button of the profile says."""
    if what.startswith("ask_"):
        return access_requests.ask(context, what.removeprefix("ask_"))
    if what == "days":
        return _picture(context, context.user.id)
    if what == "all_days" and context.is_admin:
        return _picture(context, 0)
    if what in ("summarise", "anew"):
        context.db.accounts.set_at_full(context.user.id, what)
        html, keyboard = _profile(context)
        return context.edit_html(html, keyboard=keyboard) + context.toast("toast.saved")
    if what == "model":
        return models.show(context)
    if what == "language":
        return ask_language(context)
    return context.toast("toast.past")


def _picture(context: UpdateContext, user_id: int) -> UpdateResult:
    since = current_day() - DAYS + 1
    if user_id and not context.db.reports.days_of(user_id, since):
        return context.toast("toast.no_tokens_spent")
    return context.deliver(picture(context.chat_id, user_id, context.texts.language))


def _profile(context: UpdateContext) -> tuple[Html, Json]:
    texts, config, account = context.texts, context.config, _account(context)
    html = texts.say(
        "account.card",
        name=account.name,
        money=Html("\n".join(_money(context, account, bar=True))),
        sessions=account.sessions,
        limit=config.max_sessions_per_user + account.more_sessions,
        stories=context.db.stories.count_of(account.id),
        model=context.model.title or "…",
        language=texts.say("language.name"),
        at_full=texts.say(f"account.at_full_{account.at_full}"),
    )
    other = "anew" if account.at_full == "summarise" else "summarise"
    days = [context.button("days", "account:days")]
    if context.is_admin:
        days.append(context.button("all_days", "account:all_days"))
    rows = [
        days,
        [context.button(f"at_full_{other}", f"account:{other}")],
        [context.button("model", "account:model"), context.button("language", "account:language")],
    ]
    asking, row = _low(context)
    if asking:
        html = Html(f"{html}\n\n{asking}")
    elif payments.sells(context):
        row = [context.button("buy", BUY_BUTTON)]
    return html, inline(*rows, row) if row else inline(*rows)


def _low(context: UpdateContext) -> tuple[Html, list[tuple[str, str]]]:
    """Return how to get more tokens, if few are left."""
    if context.is_admin or turns_left(context) > LOW_TURNS:
        return Html(), []
    return how_to_get(context.config, context.db, context.texts, "tokens")


def _money(context: UpdateContext, account: Account, *, bar: bool = False) -> list[Html]:
    """Return what is left and spent, and when more comes, a line each."""
    texts, today = context.texts, current_day()
    spent_today = context.db.reports.days_of(account.id, today).get(today, 0)
    lines = [
        texts.say("balance.card", balance=balance(context)),
        _bar(context, account) if bar else Html(),
        payments.bought(context),
        texts.say("balance.spent", spent=account.spent, today=spent_today),
        _refill(context),
    ]
    return [line for line in (*lines, *payments.subscriptions(context)) if line]


def _bar(context: UpdateContext, account: Account) -> Html:
    """Return the share that is left, as a bar: of what was given, or of what daily tokens fill up to."""
    config = context.config
    if context.is_admin:
        return Html()
    given = config.user_tokens if config.user_tokens_per_day else account.balance + account.spent
    percent = min(100, account.free * 100 // given) if given else 0
    full = BAR * percent // 100
    return context.texts.say("account.bar", bar="▓" * full + "░" * (BAR - full), percent=percent)


def _refill(context: UpdateContext) -> Html:
    """Return when tokens come back and how many; empty if they don't, or the balance is unlimited."""
    config = context.config
    if not config.user_tokens_per_day or context.is_admin:
        return Html()
    hours = -(-(DAY_S - now() % DAY_S) // HOUR_S)
    key = "buy.refill" if context.user.bought else "balance.refill"
    return context.texts.say(key, tokens=config.user_tokens_per_day, limit=config.user_tokens, hours=hours)


def _account(context: UpdateContext) -> Account:
    account = context.db.accounts.get(context.user.id)
    assert account is not None
    return account
