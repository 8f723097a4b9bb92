"""/stats and the picture of 30 days: a user's own, and for admins the whole bot's.

What reads every call of the bot, and the picture, is rendered by the thread that sends it: no update waits for that.
Days are UTC days.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from config import Config
from conversation.localization import Html, Locales, Texts
from core.days import DAY_S, current_day
from core.schemas import DeferredAttachment, Outgoing, RenderedAttachment
from database import Budget, Database, Opinions, Totals
from handlers.account import repeat_question
from handlers.context import UpdateContext
from handlers.dates import day
from handlers.usage_chart import days_chart
from telegram.update_result import UpdateResult
from turns import limits

# What a model's tokens cost in roubles: of the prompt, of the answer, and those of the prompt that were in the vendor's
# cache. None where the price isn't known.
Rubles = Callable[[str, int, int, int], float | None]

DAYS = 30
PICTURE, TOTALS = "days", "totals"  # the kinds of attachment rendered here


def show(context: UpdateContext) -> UpdateResult:
    """/stats: show requests, tokens and the last request; to an admin those of the whole bot."""
    return (_totals(context) if context.is_admin else _mine(context)) + repeat_question(context)


def _totals(context: UpdateContext) -> UpdateResult:
    deferred = DeferredAttachment(TOTALS, context.user.id, context.texts.language)
    return context.deliver(Outgoing(context.chat_id, "sendMessage", {"parse_mode": "HTML"}, deferred=deferred))


def _mine(context: UpdateContext) -> UpdateResult:
    account = context.db.accounts.get(context.user.id)
    assert account is not None
    today = current_day()
    said = context.texts.say(
        "stats.mine",
        requests=account.requests,
        spent=account.spent,
        today=context.db.reports.days_of(context.user.id, today).get(today, 0),
        when=_when(context.texts, account.last_request_at),
    )
    opinions = _opinions(context.texts, context.db.opinions.by_model(context.user.id))
    return context.send(Html(f"{said}\n\n{opinions}" if opinions else said))


def picture(chat_id: int, user_id: int, language: str) -> Outgoing:
    """Return the picture of a user's last 30 days, rendered when it is sent; user 0: everybody's."""
    return Outgoing(chat_id, "sendPhoto", {}, deferred=DeferredAttachment(PICTURE, user_id, language))


class Statistics:
    """Renders the deferred messages of /stats, in a sender's thread."""

    def __init__(self, config: Config, db: Database, locales: Locales, rubles: Rubles) -> None:
        self._config = config
        self._db = db
        self._locales = locales
        self._rubles = rubles

    def picture(self, deferred: DeferredAttachment) -> RenderedAttachment:
        """Render the picture, with every number in its caption."""
        today = current_day()
        since = today - DAYS + 1
        reports = self._db.reports
        found = reports.days_of(deferred.of, since) if deferred.of else reports.days(since)
        tokens = [found.get(number, 0) for number in range(since, today + 1)]
        texts = self._locales[deferred.how]
        days = [(_date(texts, number), n) for number, n in zip(range(since, today + 1), tokens, strict=True)]
        caption = texts.plain(
            "stats.caption" if deferred.of else "stats.caption_all",
            first=days[0][0],
            last=days[-1][0],
            total=sum(tokens),
            mean=sum(tokens) // DAYS,
            days=" · ".join(f"{date}: {texts.number(n)}" for date, n in days if n) or "—",
        )
        return RenderedAttachment({"caption": caption}, {"photo": ("tokens.png", days_chart(days, texts.number))})

    def totals(self, deferred: DeferredAttachment) -> RenderedAttachment:
        """Render the numbers of the whole bot."""
        texts, moment = self._locales[deferred.how], int(time.time())
        totals = self._db.reports.totals(moment)
        period = limits.budget_period(self._config, moment)
        text = texts.say(
            "stats.all",
            users=totals.users,
            today=totals.today,
            week=totals.week,
            requests=totals.requests,
            spent=totals.spent,
            when=_when(texts, totals.last_request_at),
            kinds=Html("\n".join(_kinds(texts, totals)) or "—"),
            budget=self._budget(texts, period, self._db.ledger.budget(period)),
            money=self._money(texts, totals),
        )
        opinions = _opinions(texts, self._db.opinions.by_model())
        said = (text.rstrip(), opinions, self._sales(texts), self._events(texts, moment))
        return RenderedAttachment({"text": "\n\n".join(part for part in said if part).rstrip()})

    def _sales(self, texts: Texts) -> Html:
        """Return what was sold for Telegram Stars; empty if nothing was or is."""
        sales = self._db.payments.sales()
        if not (sales.payments or self._config.packs):
            return Html()
        return texts.say(
            "sales.all",
            payments=sales.payments,
            tokens=sales.tokens,
            stars=sales.stars,
            refunded=sales.refunded,
        )

    def _budget(self, texts: Texts, period: str, budget: Budget) -> Html:
        return texts.say(
            "stats.budget",
            period=texts.say("stats.ever") if period == "ever" else period,
            spent=budget.spent,
            limit=self._config.max_project_tokens,
            reserved=budget.reserved,
            lost=budget.lost,
        )

    def _events(self, texts: Texts, moment: int) -> Html:
        """Return the counts of analytics of the last seven days; empty if there are none."""
        counts = self._db.events.since(moment // DAY_S - 6)
        lines = [texts.say("stats.event", name=_named(texts, "event", name), n=n) for name, n in counts.items()]
        return texts.say("stats.events", lines=Html("\n".join(lines))) if lines else Html()

    def _money(self, texts: Texts, totals: Totals) -> Html:
        """Return what the calls cost in roubles, and how many of them have no known price; empty if all have none."""
        known, unknown, total = 0, 0, 0.0
        for spending in totals.spendings:
            rubles = self._rubles(spending.model, spending.input, spending.output, spending.cached)
            if rubles is None:
                unknown += spending.calls
            else:
                known += spending.calls
                total += rubles
        if not known:
            return Html()
        point = texts.plain("model.point")
        rubles_said = texts.number(round(total)) if total >= 100 else f"{total:.2f}".replace(".", point)
        key = "stats.rubles_some" if unknown else "stats.rubles"
        return texts.say(key, rubles=rubles_said, unknown=unknown)


def _kinds(texts: Texts, totals: Totals) -> list[str]:
    """Return a line for each purpose of calls, dearest first."""
    sums: dict[str, list[int]] = {}
    for spending in totals.spendings:
        numbers = (spending.calls, spending.input, spending.output)
        sums[spending.purpose] = [
            old + new for old, new in zip(sums.get(spending.purpose, [0, 0, 0]), numbers, strict=True)
        ]
    return [
        texts.say("stats.kind", name=_named(texts, "purpose", name), calls=calls, input=read, output=written)
        for name, (calls, read, written) in sums.items()
    ]


def _opinions(texts: Texts, found: Sequence[Opinions]) -> Html:
    """Return how often texts of each model were liked; empty if nobody said."""
    lines = [
        texts.say("stats.opinion", model=one.model or texts.plain("stats.default"), yes=one.liked, no=one.disliked)
        for one in found
    ]
    return texts.say("stats.opinions", lines=Html("\n".join(lines))) if lines else Html()


def _named(texts: Texts, table: str, name: str) -> str:
    """Return a purpose or an event in words, or its own name: another version of the bot may have counted it."""
    key = f"{table}.{name}"
    return texts.plain(key) if key in texts.templates() else name


def _when(texts: Texts, moment: int | None) -> str:
    """Return a day and a time, UTC."""
    if moment is None:
        return texts.plain("stats.never")
    return texts.plain("stats.when", day=day(texts, moment), time=time.strftime("%H:%M", time.gmtime(moment)))


def _date(texts: Texts, number: int) -> str:
    """Return the day with this number since 1970 in few letters: 21.11, 21 Nov."""
    return time.strftime(texts.plain("day.short"), time.gmtime(number * DAY_S))
