"""`python -m bench`: runs the scenarios one after the other and prints the table as it grows.

The load and the stand-ins run in this process, the bot in another. `--telegram URL --token TOKEN --chats 1,2` sends the
answers through any Bot API server, to chats that know the bot; the users' words are generated here in any case.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from bench import seed
from bench.bot_process import end_by_sigterm
from bench.measure import measure
from bench.ratios import compare
from bench.table import HEAD, Scenario, line, middle


def scenarios(options: argparse.Namespace) -> list[Scenario]:
    """Return the scenarios that the options select: one of `--only`, four of `--quick`, none of `--minimal`, or all."""
    if options.minimal:
        return []
    if options.only:
        users, model_s, *rest = options.only.split(",")
        limits, prompts = (*rest, "off", "0")[:2] if len(rest) != 1 else (rest[0], "0")
        return [Scenario(int(users), float(model_s), limits == "on", int(prompts))]
    if options.quick:
        return [Scenario(1, 0), Scenario(1, 1), Scenario(50, 2), Scenario(200, 1)]
    plain = [
        Scenario(users, model_s, limits)
        for limits in (False, True)
        for users in (1, 50, 200, 500)
        for model_s in (0, 1, 2)
    ]
    full = [
        Scenario(users, model_s, prompts=prompts)
        for users, model_s in ((1, 0), (1, 1), (50, 2), (200, 1))
        for prompts in (0, options.prompts)
    ]
    return [*plain, Scenario(1, 0, prompts=200_000), *full]


def main() -> None:
    """Measure the selected scenarios and print the medians of their runs, then the bot beside a minimal one."""
    options = _options()
    end_by_sigterm()
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        database = _databases(Path(name))
        if selected := scenarios(options):
            print(HEAD, flush=True)
        for scenario in selected:
            runs = [asyncio.run(measure(scenario, options, database(scenario.prompts))) for _ in range(options.repeat)]
            print(line(scenario, middle(runs)), flush=True)
        if not (options.only or options.chats):
            print(flush=True)
            for row in compare(options, database(0)):
                print(row, flush=True)
    if options.odd:
        print(f"texts that are no answers, {len(options.odd)}: {options.odd[:3]}", file=sys.stderr)


def _databases(folder: Path) -> Callable[[int], Path]:
    """Return what gives the database with so many old prompts, made when it is first asked for."""

    @cache
    def database(prompts: int) -> Path:
        path = folder / f"{prompts}.db"
        seed.fill(path, prompts)
        return path

    return database


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four scenarios only")
    parser.add_argument("--only", metavar="USERS,MODEL_S[,LIMITS[,PROMPTS]]", help="one scenario, as 50,2,off,1000000")
    parser.add_argument("--minimal", action="store_true", help="only the bot beside a minimal one")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each scenario, of which the median is shown")
    parser.add_argument("--seconds", type=float, default=5.0, help="that each run is measured for")
    parser.add_argument("--prompts", type=int, default=1_000_000, help="old prompts in the large database")
    parser.add_argument("--folder", type=Path, default=None, help="for the databases; default: the system's own")
    parser.add_argument("--sandbox", action="store_true", help="Telegram is the sandbox's, which checks every call")
    parser.add_argument("--telegram", default="", metavar="URL", help="a Bot API server to send the answers through")
    parser.add_argument("--token", default="", help="the bot's token there")
    parser.add_argument("--chats", default=(), type=lambda text: tuple(int(one) for one in text.split(",")))
    parser.add_argument("--spy", action="store_true", help="tell the bot's process id, for a profiler")
    parser.set_defaults(odd=[])  # texts of all runs that are no answers
    options = parser.parse_args()
    if options.telegram and not (options.token and options.chats):
        parser.error("--telegram needs --token and --chats")
    if options.chats and max((scenario.users for scenario in scenarios(options)), default=0) > len(options.chats):
        parser.error("--only with at most as many users as there are --chats")
    return options


if __name__ == "__main__":
    main()
