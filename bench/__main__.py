"""`python -m bench`: runs the scenarios one after the other and prints the table as it grows.

The load and the stand-ins run in this process, the bot in another. `--telegram URL --token TOKEN --chats 1,2` sends the
answers through any Bot API server, to chats that know the bot; the users' words are generated here in any case.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench import seed
from bench.bot_process import Bot, environment
from bench.load import Load
from bench.standins import Model, Sandbox, Telegram
from bench.table import HEAD, Figures, Scenario, figures, line, middle

QUIET_S = 0.4  # without a call: the bot has updated its profile


async def measure(scenario: Scenario, options: argparse.Namespace, database: Path) -> Figures:
    """Run a scenario once, with a new bot on a copy of `database`."""
    load = Load(scenario.users, options.chats)
    telegram: Telegram | Sandbox
    telegram = Sandbox(load) if options.sandbox else Telegram(load, options.telegram, options.token or Telegram.token)
    load.says = telegram
    model = Model(load, scenario.model_s)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        shutil.copyfile(database, folder / "bot.db")
        os.sync()  # or the bot's own writes would wait for the copy to reach the disk
        environ = environment(
            folder,
            token=telegram.token,
            telegram_url=await telegram.open(),
            model_url=await model.open(),
            slots=scenario.users,
            limits=scenario.limits,
        )
        started = time.monotonic()
        bot = Bot(environ, folder / "output.txt")
        try:
            while not telegram.polled_at or time.monotonic() < max(telegram.polled_at, telegram.last_call_at) + QUIET_S:
                await asyncio.sleep(0.01)
                if not bot.runs:
                    sys.exit(f"the bot ended:\n{(folder / 'output.txt').read_text()}")
            await load.begin(max(scenario.model_s, 0.2))
            await asyncio.sleep(1.0 + scenario.model_s * 1.5)
            if options.spy:
                print(f"measuring pid {bot.pid}", file=sys.stderr, flush=True)
            load.measuring = True
            before, answers, began = bot.cpu_s(), load.answers, time.monotonic()
            await asyncio.sleep(options.seconds)
            cpu_s, answered, seconds = bot.cpu_s() - before, load.answers - answers, time.monotonic() - began
            load.measuring = False
            lost = await load.end(60.0)
            peak_mib = bot.peak_mib()
        finally:
            bot.stop()
            telegram.close()
            model.close()
        if load.odd:
            print(f"  no answers, {len(load.odd)}: {load.odd[:3]}", file=sys.stderr)
    return figures(
        load.done,
        seconds=seconds,
        answered=answered,
        cpu_s=cpu_s,
        peak_mib=peak_mib,
        start_s=telegram.polled_at - started,
        lost=lost,
    )


def scenarios(options: argparse.Namespace) -> list[Scenario]:
    """Return the scenarios that the options select: one of `--only`, four of `--quick`, or all."""
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
    """Measure the selected scenarios and print a table, a row for each: the medians of its runs."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four scenarios only")
    parser.add_argument("--only", metavar="USERS,MODEL_S[,LIMITS[,PROMPTS]]", help="one scenario, as 50,2,off,1000000")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each scenario, of which the median is shown")
    parser.add_argument("--seconds", type=float, default=5.0, help="that each run is measured for")
    parser.add_argument("--prompts", type=int, default=1_000_000, help="old prompts in the large database")
    parser.add_argument("--folder", type=Path, default=None, help="for the databases; default: the system's own")
    parser.add_argument("--sandbox", action="store_true", help="Telegram is the sandbox's, which checks every call")
    parser.add_argument("--telegram", default="", metavar="URL", help="a Bot API server to send the answers through")
    parser.add_argument("--token", default="", help="the bot's token there")
    parser.add_argument("--chats", default=(), type=lambda text: tuple(int(one) for one in text.split(",")))
    parser.add_argument("--spy", action="store_true", help="tell the bot's process id, for a profiler")
    options = parser.parse_args()
    if options.telegram and not (options.token and options.chats):
        parser.error("--telegram needs --token and --chats")
    if options.chats and max(scenario.users for scenario in scenarios(options)) > len(options.chats):
        parser.error("--only with at most as many users as there are --chats")
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}\n")
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        databases: dict[int, Path] = {}
        for scenario in scenarios(options):
            if scenario.prompts not in databases:
                databases[scenario.prompts] = Path(name) / f"{scenario.prompts}.db"
                seed.fill(databases[scenario.prompts], scenario.prompts)
            database = databases[scenario.prompts]
            runs = [asyncio.run(measure(scenario, options, database)) for _ in range(options.repeat)]
            print(line(scenario, middle(runs)), flush=True)


if __name__ == "__main__":
    main()
