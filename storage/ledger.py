"""Token accounting: reserve before a call, settle after it, give back if it failed.

Every model call is a row of `call`. While it is `asked`, its reservation counts against the user, the session and the
project, so that parallel calls can't overspend any of them. A call ends by compare-and-set from `asked`: the second
attempt changes nothing. A user never pays more than was reserved; the project's budget books the vendor's figures. Sums
are in tokens of the default model; a call's own figures stay as the vendor sent them.

The triggers `call_begins` and `call_ends` update the counters of `user`, `session` and `budget` in the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import LimitReached
from core.metrics import SILENT, Metrics
from core.schemas import Usage
from storage.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits of a reservation, in tokens; None: no limit."""

    balance: bool  # whether the user's balance limits it
    kept: int  # of the balance, for the ending of an unfinished story
    begins_story: bool  # a reservation without a session is for a new story
    session: int | None
    project: int | None
    sessions: int | None  # number of sessions that a user may begin


@dataclass(frozen=True, slots=True)
class Budget:
    """The project's use in one period. `lost` is an upper bound for calls that a crash interrupted."""

    spent: int
    reserved: int
    lost: int
    told: int

    @property
    def used(self) -> int:
        """Tokens spent, reserved and lost, together."""
        return self.spent + self.reserved + self.lost


# The use of user, session and project, and the turn's state, in one query.
_STANDING = """
select (select state from turn where id = :turn) as turn_state,
    user.balance - user.reserved as free, user.sessions, user.more_sessions, session.started_at,
    session.spent + session.reserved as session_used,
    coalesce(budget.spent + budget.reserved + budget.lost, 0) as project_used,
    exists (select 1 from session as open where open.user_id = user.id and open.chat_id > 0
        and open.kind = 'story'
        and open.finished_at is null and open.deleted_at is null) as has_unfinished
from user left join session on session.id = :session left join budget on budget.period = :period
where user.id = :user
"""


class Ledger:
    """The tables `call` and `budget`, and the counters of `user` and `session`."""

    def __init__(self, connection: Connection, metrics: Metrics = SILENT) -> None:
        self._connection = connection
        self._metrics = metrics  # counts each settled call, before its transaction has committed

    def budget(self, period: str) -> Budget:
        """Return a period's budget; zeros if nothing was used."""
        row = self._connection.row("select spent, reserved, lost, told from budget where period = ?", (period,))
        return Budget(**dict(row)) if row else Budget(0, 0, 0, 0)

    def check(self, user_id: int, session_id: int | None, tokens: int, period: str, caps: Caps) -> None:
        """Raise `LimitReached` for the first limit that a reservation of `tokens` would exceed.

        `session_id` None: a session that is not created yet.
        """
        self._check(self._standing(None, user_id, session_id, period), session_id, tokens, caps)

    def _standing(self, turn_id: int | None, user_id: int, session_id: int | None, period: str) -> Row:
        values = {"turn": turn_id, "user": user_id, "session": session_id, "period": period}
        now = self._connection.row(_STANDING, values)
        assert now is not None
        return now

    def _check(self, now: Row, session_id: int | None, tokens: int, caps: Caps) -> None:
        if caps.project is not None and now["project_used"] + tokens > caps.project:
            raise LimitReached("project", used=now["project_used"], allowed=caps.project)
        if now["started_at"] is None and caps.sessions is not None:
            allowed = caps.sessions + now["more_sessions"]
            if now["sessions"] >= allowed:
                raise LimitReached("sessions", used=now["sessions"], allowed=allowed)
        kept = caps.kept if now["has_unfinished"] or (session_id is None and caps.begins_story) else 0
        if caps.balance and now["free"] - kept < tokens:
            raise LimitReached("balance", used=tokens, allowed=max(0, now["free"] - kept))
        if session_id is not None and caps.session is not None and now["session_used"] + tokens > caps.session:
            raise LimitReached("session", used=now["session_used"], allowed=caps.session)

    def reserve(
        self,
        *,
        turn_id: int,
        user_id: int,
        session_id: int | None,
        purpose: str,
        tokens: int,
        period: str,
        caps: Caps,
        now: int,
        model: str = "",
    ) -> int | None:
        """Reserve `tokens` for a call of `model` and return the call's id; None if the turn has ended.

        `session_id` None: the call belongs to no session. Raises `LimitReached` and then reserves nothing.
        """
        with self._connection.transaction():
            standing = self._standing(turn_id, user_id, session_id, period)
            if standing["turn_state"] != "running":
                return None
            self._check(standing, session_id, tokens, caps)
            return self._connection.insert(
                "insert into call (turn_id, user_id, session_id, purpose, model, period, reserved, asked_at)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (turn_id, user_id, session_id, purpose, model, period, tokens, now),
            )

    def settle(
        self, call_id: int, usage: Usage, now: int, *, price: int | None = None, session_limit: int = 0
    ) -> int | None:
        """Charge a call and release its reservation. Return what the user paid; None if it had ended before.

        `price` is the cost of `usage` in tokens of the default model; by default the tokens themselves. What exceeds
        the reservation is paid as far as the balance, and `session_limit` of the call's session, have it.
        """
        charged: int | None = self._connection.value(
            "update call set state = 'settled', ended_at = :now, input = :input, output = :output, price = :price,"
            " charged = min(:price, reserved + max(0, min("
            "   (select user.balance - user.reserved from user where user.id = call.user_id),"
            "   coalesce((select :session_limit - session.spent - session.reserved from session"
            "     where session.id = call.session_id), :price)"
            " ))), estimated = :estimated,"
            " cached = :cached where id = :call and state = 'asked' returning charged",
            {
                "call": call_id,
                "now": now,
                "session_limit": session_limit,
                "input": usage.input,
                "output": usage.output,
                "cached": usage.cached,
                "price": usage.total if price is None else price,
                "estimated": int(usage.estimated),
            },
        )
        if charged is not None:
            self._metrics.call_settled(usage, charged)
        return charged

    def give_back(self, call_id: int, now: int, *, billed: int = 0) -> bool:
        """End a failed call at no cost to the user. Return False if it had ended before.

        `billed`: tokens that the vendor may charge all the same; the project books them.
        """
        with self._connection.transaction():
            period = self._connection.value(
                "update call set state = 'returned', ended_at = ? where id = ? and state = 'asked' returning period",
                (now, call_id),
            )
            if period is None:
                return False
            if billed:
                self._connection.run("update budget set lost = lost + ? where period = ?", (billed, period))
            return True

    def refund(self, inbox_id: int) -> int:
        """Give a user back what they have paid for the turn of an update; return how many tokens.

        The project has paid for it all the same. What was paid in bought tokens comes back as bought ones.
        """
        with self._connection.transaction():
            paid = self._connection.rows(
                "select id, user_id, session_id, charged, bought from call where charged > 0"
                " and turn_id in (select id from turn where inbox_id = ?)",
                (inbox_id,),
            )
            for call in paid:
                self._connection.run("update call set charged = 0, bought = 0 where id = ?", (call["id"],))
                self._connection.run(
                    "update user set balance = balance + ?1, bought = bought + ?2, spent = spent - ?1 where id = ?3",
                    (call["charged"], call["bought"], call["user_id"]),
                )
                self._connection.run(
                    "update session set spent = spent - ? where id = ?", (call["charged"], call["session_id"])
                )
            return sum(int(call["charged"]) for call in paid)

    def recover(self, now: int) -> int:
        """Release the reservations of calls that a crash interrupted. Return how many there were.

        The vendor may bill them, so the project books each whole reservation as lost. No call holds a reservation
        afterwards: the counters are reset to 0.
        """
        with self._connection.transaction(durable=True):
            lost = self._connection.rows(
                "update call set state = 'lost', ended_at = ? where state = 'asked' returning period, reserved", (now,)
            )
            for row in lost:
                self._connection.run(
                    "update budget set lost = lost + ? where period = ?", (row["reserved"], row["period"])
                )
            for table in ("user", "session", "budget"):
                self._connection.run(f"update {table} set reserved = 0 where reserved <> 0")
            return len(lost)

    def paid_for(self, turn_id: int, purpose: str) -> bool:
        """Return whether a turn has a settled call of this purpose, in this run or an earlier one."""
        sql = "select count(*) from call where turn_id = ? and purpose = ? and state = 'settled'"
        return bool(self._connection.value(sql, (turn_id, purpose)))

    def charged_for(self, turn_id: int) -> int:
        """Return what the user has paid for a turn so far, all its calls together."""
        sql = "select coalesce(sum(charged), 0) from call where turn_id = ? and state = 'settled'"
        return int(self._connection.value(sql, (turn_id,)))

    def set_told(self, period: str, percent: int) -> None:
        """Store the share of the budget, in per cent, that the admins were told of."""
        self._connection.run("update budget set told = ? where period = ?", (percent, period))
