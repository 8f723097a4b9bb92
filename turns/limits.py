"""What a turn may cost and who pays for it: the configured limits as sums of tokens.

Pure arithmetic over `Config`; the ledger in the database holds and charges.
"""

from __future__ import annotations

import time

from ai.catalog import CostMultiplier
from config import Config
from database import Caps

# Kinds of turn that may use what a session keeps back: a story's end, and talk, which has none.
ENDS = frozenset({"ending", "epilogue", "chat", "character"})
EVEN = CostMultiplier()  # of the default model
APART = frozenset({"hearing", "image"})  # kinds of turn that belong to no session, and keep to none's limits
TOLD_AT_PERCENT = (100, 80, 50)
SESSION_NEAR_PERCENT = 80


def budget_period(config: Config, now: float) -> str:
    """The name of the project's budget that counts now: `ever`, or the month in UTC, as `2026-11`."""
    return "ever" if config.max_project_tokens_period == "ever" else time.strftime("%Y-%m", time.gmtime(now))


def kept_for_ending(config: Config, weight: CostMultiplier = EVEN) -> int:
    """Tokens of each session that only its ending may use: the dearest summary and the dearest answer."""
    dearest_call = weight.of(config.max_tokens_per_request, config.max_tokens_per_answer)
    return min(2 * dearest_call, config.max_tokens_per_session // 2)


def caps(config: Config, user_id: int, kind: str, weight: CostMultiplier = EVEN) -> Caps:
    """What a call for a turn of this kind must stay within."""
    if kind in APART:
        return Caps(
            balance=user_id not in config.admin_ids, session=None, project=config.max_project_tokens, sessions=None
        )
    kept = 0 if kind in ENDS else kept_for_ending(config, weight)
    return Caps(
        balance=user_id not in config.admin_ids,
        session=config.max_tokens_per_session - kept,
        project=config.max_project_tokens,
        sessions=config.max_sessions_per_user,
    )


def room(config: Config, context_tokens: int) -> int:
    """Tokens that a whole prompt may take, for a model with this context."""
    return min(config.max_tokens_per_request, context_tokens - config.max_tokens_per_answer)


def turn_price(config: Config, weight: CostMultiplier = EVEN) -> int:
    """Tokens that a usual turn costs: a prompt filled by half and an answer of usual length."""
    return weight.of(config.max_tokens_per_request * 6 // 10, config.max_tokens_per_answer * 3 // 4)


def least_price(config: Config, weight: CostMultiplier = EVEN) -> int:
    """Tokens that any turn holds at least: a short prompt and a whole answer."""
    return weight.of(config.max_tokens_per_request // 5, config.max_tokens_per_answer)


def turns_left(config: Config, tokens: int, weight: CostMultiplier = EVEN) -> int:
    """How many usual turns `tokens` are enough for, about."""
    return max(0, tokens) // turn_price(config, weight)


def share_to_tell(used: int, limit: int, told: int) -> int:
    """The share of a budget, in per cent, that the admins are to be told of now; 0: none that they don't know."""
    percent = used * 100 // limit
    return next((step for step in TOLD_AT_PERCENT if percent >= step > told), 0)
