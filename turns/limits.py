"""The configured limits as sums of tokens: what a turn may cost.

Pure arithmetic over `Config`; the ledger in the database holds and charges.
"""

from __future__ import annotations

import time

from ai.catalog import CostMultiplier
from config import Config
from database import Caps

EVEN = CostMultiplier()  # of the default model
TOLD_AT_PERCENT = (100, 80, 50)
SESSION_NEAR_PERCENT = 80
TURNS_TOLD = (3, 1)  # how many are left when the user is told
NEARLY_ONE = 0.75  # of a turn, that is called one


def budget_period(config: Config, now: float) -> str:
    """Return the name of the project's current budget: `ever`, or the month in UTC as `2026-11`."""
    return "ever" if config.max_project_tokens_period == "ever" else time.strftime("%Y-%m", time.gmtime(now))


def dearest_ending(config: Config, weight: CostMultiplier = EVEN) -> int:
    """Return the most tokens that an ending takes: the dearest summary and the dearest answer."""
    return 2 * weight.of(config.max_tokens_per_request, config.max_tokens_per_answer)


def kept_for_ending(config: Config, weight: CostMultiplier = EVEN) -> int:
    """Return the tokens of each session that only its ending may use."""
    return min(dearest_ending(config, weight), config.max_tokens_per_session // 2)


def kept_of_balance(config: Config, weight: CostMultiplier = EVEN) -> int:
    """Return the tokens of a balance that only an ending may use while its user has an unfinished story.

    A quarter of a small gift, if that pays an ending; 0 for a gift that pays no turn beside it.
    """
    most, least, given = dearest_ending(config, weight), least_price(config, weight), config.user_tokens
    if not given:
        return most
    return min(most, max(given // 4, least)) if given >= 2 * least else 0


def caps(
    config: Config,
    user_id: int,
    *,
    in_session: bool,
    may_use_reserve: bool,
    ends_story: bool = False,
    begins_story: bool = False,
    weight: CostMultiplier = EVEN,
) -> Caps:
    """Return what a call must stay within.

    `in_session`: its turn belongs to a session; `may_use_reserve`: it may spend what the session keeps for its ending,
    `ends_story`: what the balance keeps for one; `begins_story`: its turn belongs to a story that may not exist yet.
    """
    kept = 0 if may_use_reserve else kept_for_ending(config, weight)
    return Caps(
        balance=user_id not in config.admin_ids,
        kept=0 if ends_story else kept_of_balance(config, weight),
        begins_story=begins_story,
        session=config.max_tokens_per_session - kept if in_session else None,
        project=config.max_project_tokens,
        sessions=config.max_sessions_per_user if in_session else None,
    )


def prompt_budget(config: Config, context_tokens: int) -> int:
    """Return the tokens that a whole prompt may take of this context, of which an answer takes at most half."""
    return min(config.max_tokens_per_request, max(context_tokens - config.max_tokens_per_answer, context_tokens // 2))


def answer_budget(config: Config, context_tokens: int) -> int:
    """Return the tokens that an answer may take, for a model with this context."""
    return min(config.max_tokens_per_answer, context_tokens - prompt_budget(config, context_tokens))


def turn_price(config: Config, weight: CostMultiplier = EVEN) -> int:
    """Return the tokens of a usual turn: a prompt filled by half and an answer of usual length."""
    return weight.of(config.max_tokens_per_request * 6 // 10, config.max_tokens_per_answer * 3 // 4)


def least_price(config: Config, weight: CostMultiplier = EVEN) -> int:
    """Return the tokens that any turn with a model holds at least: a short prompt and a whole answer."""
    return weight.of(config.max_tokens_per_request // 5, config.max_tokens_per_answer)


def turns_left(config: Config, tokens: int, weight: CostMultiplier = EVEN) -> int:
    """Return about how many usual turns `tokens` are enough for; 1 if only the shortest fits."""
    if tokens < least_price(config, weight):
        return 0
    return max(1, tokens // turn_price(config, weight))


def turns_of(config: Config, tokens: int, weight: CostMultiplier = EVEN) -> int:
    """Return about how many usual turns cost as much as `tokens`; 0 if they are clearly less than one."""
    share = tokens / turn_price(config, weight)
    return round(share) if share >= NEARLY_ONE else 0


def share_to_tell(used: int, limit: int, told: int) -> int:
    """Return the share of a budget, in per cent, of which the admins are to be told now; 0: they know already."""
    percent = used * 100 // limit
    return next((step for step in TOLD_AT_PERCENT if percent >= step > told), 0)
