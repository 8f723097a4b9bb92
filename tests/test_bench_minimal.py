"""The minimal bot that `make bench` measures beside the bot, and the table of ratios."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bench.bot_process import Bot, environment
from bench.load import Load
from bench.measure import MINIMAL_BOT
from bench.model import Model
from bench.ratios import BY_DEFAULT, COMPARED, ratio_row
from bench.standins import Telegram
from bench.table import Figures

MODEL_S = 0.05


def figures(**changes: Any) -> Figures:
    return Figures(**(dict.fromkeys(Figures.__slots__, 1.0) | changes))


async def play(folder: Path, answers: int, *, users: int = 2, threads: int = 2) -> Load:
    """Run the minimal bot until it has answered so often."""
    load = Load(users)
    load.says = telegram = Telegram(load)
    model = Model(load, MODEL_S)
    urls = {"telegram_url": await telegram.open(), "model_url": await model.open()}
    environ = environment(folder, token=telegram.token, slots=threads, limits=False, **urls)
    bot = Bot(environ, folder / "output.txt", MINIMAL_BOT)
    try:
        load.measuring = True
        await load.begin(0)
        ends_at = time.monotonic() + 20
        while load.answers < answers:
            assert bot.runs, (folder / "output.txt").read_text()
            assert time.monotonic() < ends_at, f"{load.answers} answers"
            await asyncio.sleep(0.01)
    finally:
        bot.stop()
        telegram.close()
        model.close()
    return load


def test_minimal_bot_answers_by_the_model_in_one_call_a_turn(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as apart:  # Playwright keeps a loop of its own in the tests' thread
        load = apart.submit(asyncio.run, play(tmp_path, answers=6)).result()
    assert load.odd == []
    assert {turn.calls for turn in load.done} == {1}
    assert all(MODEL_S <= turn.model_s <= turn.answered_at - turn.sent_at for turn in load.done)


def test_minimal_bot_answers_as_many_at_once_as_it_has_threads(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as apart:
        load = apart.submit(asyncio.run, play(tmp_path, answers=8, users=4, threads=1)).result()
    assert min(turn.overhead_s for turn in load.done[4:]) >= 2 * MODEL_S  # three others go before


def test_overhead_stands_beside_the_default_of_two_threads_too() -> None:
    compared = BY_DEFAULT[-1]
    row = ratio_row(compared, [(figures(overhead_p95=20.0), figures(overhead_p95=50_000.0))])
    assert row.endswith("| 20.00 | 50000.00 | 0.0004 | 0.0004 | at most 0.7: reached |")


@pytest.mark.parametrize(("own", "verdict"), [((2.0, 7.0, 30.0), "reached"), ((2.0, 7.5, 30.0), "missed")])
def test_row_shows_the_ratio_of_medians_with_its_goal(own: tuple[float, ...], verdict: str) -> None:
    compared = next(one for one in COMPARED if one.figure == "overhead_p95" and one.goal == 0.7)
    runs = [
        (figures(overhead_p95=value), figures(overhead_p95=other))
        for value, other in zip(own, (1, 10, 20), strict=True)
    ]
    middle = sorted(own)[1]
    expected = f"| 50 × 2 s | overhead p95, ms | {middle:.2f} | 10.00 | {middle / 10:.2f} "
    expected += f"| 2.00, {middle / 10:.2f}, 1.50 | at most 0.7: {verdict} |"
    assert ratio_row(compared, runs) == expected
