"""One run of a scenario: a bot as a process, the stand-ins and the users in this one."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.bot_process import Bot, environment
from bench.load import Load
from bench.model import Model
from bench.standins import Sandbox, Telegram
from bench.table import Figures, Scenario, figures

QUIET_S: Final = 0.4  # without a call: the bot has updated its profile
MINIMAL_BOT: Final = "bench/minimal_bot.py"


async def measure(
    scenario: Scenario,
    options: argparse.Namespace,
    database: Path,
    program: str = "bot.py",
    *,
    slots: int | None = None,
) -> Figures:
    """Run a scenario once, with a new bot on a copy of `database`. `slots`: at once; None: as many as users.

    Adds to `options.odd` the texts that were no answers.
    """
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
            slots=slots or scenario.users,
            limits=scenario.limits,
        )
        started = time.monotonic()
        bot = Bot(environ, folder / "output.txt", program)
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
    options.odd += load.odd
    return figures(
        load.done,
        seconds=seconds,
        answered=answered,
        cpu_s=cpu_s,
        peak_mib=peak_mib,
        start_s=telegram.polled_at - started,
        lost=lost,
    )
