"""«👤 Профиль», /balance and /info: what is left and spent, what one has chosen, and the buttons to change it.

Days are those of UTC, as the daily tokens are. What the picture shows and what it costs to draw is in `usage`.
"""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.localization import Html
from conversation.states import ADMIN_COMMANDS, TABLE, Step
from core.schemas import Json
from core.version import VERSION
from database import Account, Story
from handlers import access_requests, models, sessions
from handlers.account import ask_language, balance, repeat_question
from handlers.context import UpdateContext, now
from handlers.usage import DAYS, picture
from turns import limits
from turns.limit_requests import how_to_get
from turns.message_view import title_of

Toast = str | None  # the key of a pop-up answer, if there is one

BAR = 10  # characters
MODELS_NAMED = 12  # in /info; /model shows all
LOW_TURNS = 2  # left, and the profile offers to ask for more
DAY_S, HOUR_S = 86_400, 3600


def show(visit: UpdateContext) -> None:
    """«👤 Профиль»."""
    html, keyboard = _profile(visit)
    visit.send(html, keyboard=keyboard)


def show_balance(visit: UpdateContext) -> None:
    """/balance: what is left, what was spent, today too, and when tokens come back."""
    account = _account(visit)
    asking, row = _low(visit)
    said = [*_money(visit, account), asking] if asking else _money(visit, account)
    visit.send(Html("\n".join(said)), keyboard=inline(row) if row else None)
    repeat_question(visit)


def info(visit: UpdateContext) -> None:
    """/info: the version, the models, the open session, every command."""
    desk = visit.desk
    hidden = frozenset() if visit.user.id in desk.config.admin_ids else ADMIN_COMMANDS
    commands = [key for key in TABLE[Step.MENU] if key.startswith("/") and key not in hidden]
    visit.say("info.text", version=VERSION, models=_models(visit), opened=_opened(visit), commands=" ".join(commands))
    repeat_question(visit)


def _models(visit: UpdateContext) -> Html:
    """The model that writes, and the others that could."""
    model = visit.model.title or "…"
    others = [each.title for each in visit.desk.offer.models if each.name != visit.model.name]
    if not others:
        return visit.texts.say("info.model", model=model)
    named = [*others[:MODELS_NAMED], *(["…"] if len(others) > MODELS_NAMED else [])]
    return visit.texts.say("info.models", model=model, others=", ".join(named))


def _opened(visit: UpdateContext) -> Html:
    """The open session, how far it has come, and what it has spent."""
    session, limit = sessions.opened(visit), visit.desk.config.max_tokens_per_session
    if session is None:
        return visit.texts.say("info.nothing")
    if isinstance(session, Story):
        parts = visit.desk.db.tree.parts(session.head_id, session.starts_after)
        return visit.texts.say("info.story", title=title_of(session), part=parts, spent=session.spent, limit=limit)
    return visit.texts.say("info.talk", name=sessions.named(visit, session), spent=session.spent, limit=limit)


def press(visit: UpdateContext, what: str) -> Toast:
    """The profile's own buttons."""
    if what.startswith("ask_"):
        return access_requests.ask(visit, what.removeprefix("ask_"))
    if what == "days":
        return _picture(visit, visit.user.id)
    if what == "all_days" and visit.user.id in visit.desk.config.admin_ids:
        return _picture(visit, 0)
    if what in ("summarise", "anew"):
        visit.desk.db.accounts.set_at_full(visit.user.id, what)
        html, keyboard = _profile(visit)
        visit.edit_html(html, keyboard=keyboard)
        return "toast.saved"
    if what == "model":
        models.show(visit)
        return None
    if what == "language":
        ask_language(visit)
        return None
    return "toast.past"


def _picture(visit: UpdateContext, user_id: int) -> Toast:
    since = now() // DAY_S - DAYS + 1
    if user_id and not visit.desk.db.reports.days_of(user_id, since):
        return "toast.no_tokens_spent"
    visit.envelope.send(picture(visit.chat_id, user_id, visit.texts.language))
    return None


def _profile(visit: UpdateContext) -> tuple[Html, Json]:
    texts, config, account = visit.texts, visit.desk.config, _account(visit)
    html = texts.say(
        "account.card",
        name=account.name,
        money=Html("\n".join(_money(visit, account, bar=True))),
        sessions=account.sessions,
        limit=config.max_sessions_per_user + account.more_sessions,
        stories=visit.desk.db.stories.count_of(account.id),
        model=visit.model.title or "…",
        language=texts.say("language.name"),
        at_full=texts.say(f"account.at_full_{account.at_full}"),
    )
    other = "anew" if account.at_full == "summarise" else "summarise"
    days = [visit.button("days", "account:days")]
    if account.id in config.admin_ids:
        days.append(visit.button("all_days", "account:all_days"))
    rows = [
        days,
        [visit.button(f"at_full_{other}", f"account:{other}")],
        [visit.button("model", "account:model"), visit.button("language", "account:language")],
    ]
    asking, row = _low(visit)
    if asking:
        html = Html(f"{html}\n\n{asking}")
    return html, inline(*rows, row) if row else inline(*rows)


def _low(visit: UpdateContext) -> tuple[Html, list[tuple[str, str]]]:
    """How to get more, where little is left."""
    config, user = visit.desk.config, visit.user
    if user.id in config.admin_ids or limits.turns_left(config, user.free, visit.model.weight) > LOW_TURNS:
        return Html(), []
    return how_to_get(config, visit.desk.db, visit.texts, "tokens")


def _money(visit: UpdateContext, account: Account, *, bar: bool = False) -> list[Html]:
    """What is left and spent, and when more comes, a line each."""
    texts, today = visit.texts, now() // DAY_S
    spent_today = visit.desk.db.reports.days_of(account.id, today).get(today, 0)
    lines = [
        texts.say("balance.card", balance=balance(visit)),
        _bar(visit, account) if bar else Html(),
        texts.say("balance.spent", spent=account.spent, today=spent_today),
        _refill(visit),
    ]
    return [line for line in lines if line]


def _bar(visit: UpdateContext, account: Account) -> Html:
    """What is left as a bar and its share: of what was given; where tokens come back daily, of what they fill up to."""
    config = visit.desk.config
    if account.id in config.admin_ids:
        return Html()
    given = config.user_tokens if config.user_tokens_per_day else account.balance + account.spent
    percent = min(100, account.free * 100 // given) if given else 0
    full = BAR * percent // 100
    return visit.texts.say("account.bar", bar="▓" * full + "░" * (BAR - full), percent=percent)


def _refill(visit: UpdateContext) -> Html:
    """When tokens come back and how many; nothing where they don't, or where the balance is unlimited."""
    config = visit.desk.config
    if not config.user_tokens_per_day or visit.user.id in config.admin_ids:
        return Html()
    hours = -(-(DAY_S - now() % DAY_S) // HOUR_S)
    return visit.texts.say("balance.refill", tokens=config.user_tokens_per_day, limit=config.user_tokens, hours=hours)


def _account(visit: UpdateContext) -> Account:
    account = visit.desk.db.accounts.get(visit.user.id)
    assert account is not None
    return account
