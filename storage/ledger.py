"""Tokens: reserved before a call, settled after it, given back when it failed.

Every call of a model is a row. While it is `asked`, its reservation counts against the user, the session
and the project at once, so that parallel calls can't overspend any of them. Whatever ends a call is a
compare-and-set from `asked`: who comes second changes nothing. A user never pays more than was reserved;
the project's budget books the vendor's own figures. All sums are tokens of the default model; a call's own
figures stay as the vendor sent them. The counters of all three follow the table `call` by its triggers, in the
same statement.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import LimitReached
from core.metrics import SILENT, Metrics
from core.schemas import Usage
from storage.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class Caps:
    """What a reservation must stay within, in tokens; None: no limit."""

    balance: bool  # whether the user's balance limits it
    session: int | None
    project: int | None
    sessions: int | None  # sessions that a user may begin


@dataclass(frozen=True, slots=True)
class Budget:
    """What a period of the project has used. `lost` is an upper bound for calls that a crash cut off."""

    spent: int
    reserved: int
    lost: int
    told: int

    @property
    def used(self) -> int:
        """Tokens spent, reserved and lost, together."""
        return self.spent + self.reserved + self.lost


# What a user, a session and the project's budget have used and hold, all three in one look; and the turn's state.
_STANDING = """
select (select state from turn where id = :turn) as turn_state,
    user.balance - user.reserved as free, user.sessions, user.more_sessions, session.started_at,
    session.spent + session.reserved as session_used,
    coalesce(budget.spent + budget.reserved + budget.lost, 0) as project_used
from user left join session on session.id = :session left join budget on budget.period = :period
where user.id = :user
"""


class Ledger:
    """The tables `call` and `budget`, and the counters of `user` and `session`."""

    def __init__(self, connection: Connection, metrics: Metrics = SILENT) -> None:
        self._connection = connection
        self._metrics = metrics  # counts each settled call, before its transaction has committed

    def budget(self, period: str) -> Budget:
        """The budget of a period, in tokens; zeros where nothing has been used in it."""
        row = self._connection.row("select spent, reserved, lost, told from budget where period = ?", (period,))
        return Budget(**dict(row)) if row else Budget(0, 0, 0, 0)

    def check(self, user_id: int, session_id: int | None, tokens: int, period: str, caps: Caps) -> None:
        """Raises `LimitReached` for the first limit that a reservation of `tokens` would pass.

        `session_id` None: a session that is yet to be begun.
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
        if caps.balance and now["free"] < tokens:
            raise LimitReached("balance", used=tokens, allowed=max(0, now["free"]))
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
        """Holds `tokens` for a call of `model`; the call's id. None: the turn has ended, and nothing is held.

        `session_id` None: of no session, whose `caps` are None then.

        Raises `LimitReached`, and then holds nothing either.
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

    def settle(self, call_id: int, usage: Usage, now: int, *, price: int | None = None) -> int | None:
        """Charges a call and lets the rest go; what the user paid, None if it had ended before.

        `price`: what `usage` weighs in tokens of the default model; without one, just its tokens.
        """
        charged: int | None = self._connection.value(
            "update call set state = 'settled', ended_at = :now, input = :input, output = :output, price = :price,"
            " charged = min(:price, reserved), estimated = :estimated"
            " where id = :call and state = 'asked' returning charged",
            {
                "call": call_id,
                "now": now,
                "input": usage.input,
                "output": usage.output,
                "price": usage.total if price is None else price,
                "estimated": int(usage.estimated),
            },
        )
        if charged is not None:
            self._metrics.call_settled(usage, charged)
        return charged

    def give_back(self, call_id: int, now: int, *, billed: int = 0) -> bool:
        """Ends a failed call at no cost to the user; False if it had ended before.

        `billed`: tokens that the vendor may have charged for it all the same; the project books them.
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

    def recover(self, now: int) -> int:
        """Gives back what calls held when the process died; how many there were.

        The vendor may bill them: the project books each whole reservation as lost. Counters of
        reservations are computed anew from the calls, which none holds now.
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
        """Whether a turn had a call of this purpose that was answered, in this life or an earlier one."""
        sql = "select count(*) from call where turn_id = ? and purpose = ? and state = 'settled'"
        return bool(self._connection.value(sql, (turn_id, purpose)))

    def set_told(self, period: str, percent: int) -> None:
        """Remembers the share of the budget that the admins were told of."""
        self._connection.run("update budget set told = ? where period = ?", (percent, period))
