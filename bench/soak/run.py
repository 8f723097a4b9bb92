"""One run: the stand-ins, the bot as a process, its people, its faults, and what was seen."""

from __future__ import annotations

import json
import random
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import seed
from bench.bot_process import ROOT, Bot, environment
from bench.soak import model_calls, past
from bench.soak.crowd import Crowd, habits
from bench.soak.faults import Faults, ModelFaults, Order
from bench.soak.journal import Journal
from bench.soak.model_calls import ModelCall
from bench.soak.person import PATIENCE_S, Stage
from bench.soak.sampler import Sample, Sampler
from bench.soak.sentences import Sentences
from bench.soak.stand_ins import WatchedTelegram
from conversation.localization import Locales
from sandbox import art_api
from sandbox.demo import free_port
from sandbox.model_faults import Behaviour
from sandbox.models import API_KEY, ModelServers

RAMP_S: Final = 60.0
SLOTS: Final = 24
START_S: Final = 30.0
STOP_S: Final = 30.0  # for the last answers, beside a person's patience
ADMIN_ID: Final = 900
PICTURE_PX: Final = (512, 512)
KEPT_REQUESTS: Final = 2000  # of the models' stand-in


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run. `folder` keeps the bot's database and log, if given."""

    people: int = 500
    seconds: float = 600.0
    seed: int = 1
    think_s: float = 25.0
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a run. `sent` are the bot's messages by second, `asked` its calls of the models."""

    journal: Journal
    samples: list[Sample]
    orders: list[Order]
    faults: Mapping[str, int]
    calls: Mapping[str, int]
    sent: Mapping[int, int]
    asked: list[ModelCall]
    violations: list[str]
    errors: list[str]


def run(plan: Plan) -> Seen:
    """Run the bot for the plan's people and time. Raises `RuntimeError` if it doesn't start."""
    telegram = WatchedTelegram()
    with tempfile.TemporaryDirectory() as name, telegram, ModelServers() as models:
        folder = plan.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        texts = Locales.load(ROOT / "locales")["ru"]
        seed.fill(folder / "bot.db")
        past.write(folder / "bot.db", [one for one in habits(plan.people) if one[1] in past.PARTS], texts, plan.seed)
        environ = _environment(folder, telegram, models)
        picture = json.dumps(art_api.answer("кот", *PICTURE_PX, ""))
        rule = models.faults.rule = ModelFaults(_pace, picture, plan.seed)
        bot = Bot(environ, folder / "output.txt")
        try:
            if not telegram.polled.wait(START_S):
                raise RuntimeError(f"the bot did not start:\n{(folder / 'output.txt').read_text()}")
            faults = Faults(telegram, rule, folder / "bot.db", lambda: bot.pid)
            return _live(plan, telegram, models, faults, f"http://127.0.0.1:{environ['WEBAPP_PORT']}", bot, folder)
        finally:
            bot.stop()


def _live(
    plan: Plan,
    telegram: WatchedTelegram,
    models: ModelServers,
    faults: Faults,
    page_url: str,
    bot: Bot,
    folder: Path,
) -> Seen:
    """Let the people, the faults and the sampler work for the plan's time; wait for the last answers."""
    begun_at, ending, begins = time.monotonic(), threading.Event(), time.time()
    sentences = Sentences(Locales.load(ROOT / "locales")["ru"].templates())
    stage = Stage(Journal(), sentences, telegram.signs, ending, begun_at, page_url, plan.think_s)
    telegram.user(ADMIN_ID, "Админ").send("/start")
    crowd = Crowd(telegram, stage, plan.seed)
    sampler = Sampler(bot.pid, folder / "bot.db", begun_at)
    sampler.begin(ending)
    orders = faults.orders(plan.seed, plan.seconds)
    faults.begin(orders, begun_at, ending)
    crowd.begin(plan.people, min(RAMP_S, plan.seconds / 10))
    while time.monotonic() < begun_at + plan.seconds and not sampler.died:
        time.sleep(1.0)
        del models.requests[:-KEPT_REQUESTS]
    ending.set()
    all_answered = crowd.end(PATIENCE_S + STOP_S)
    faults.end()
    errors = [*crowd.errors, *(["somebody still waits"] if not all_answered else [])]
    if sampler.died or not bot.runs:
        errors.append("the bot ended")
    return Seen(
        journal=stage.journal,
        samples=sampler.samples,
        orders=orders,
        faults=faults.met + faults.models_met,
        calls=telegram.statuses,
        sent=telegram.sent,
        asked=model_calls.read(folder / "bot.db", begins),
        violations=telegram.violations,
        errors=errors,
    )


def _pace(chance: random.Random) -> Behaviour:
    """Return how fast the model writes: one to three seconds an answer."""
    return Behaviour(first_chunk_s=chance.uniform(0.3, 1.0), chunk_s=chance.uniform(0.07, 0.2), chunks=10)


def _environment(folder: Path, telegram: WatchedTelegram, models: ModelServers) -> dict[str, str]:
    """Return the bot's environment: Telegram's own limits, tokens without end, a shop, the page and the shelf."""
    port = free_port()
    values = environment(
        folder, token=telegram.token, telegram_url=telegram.url, model_url=models.llm_url, slots=SLOTS, limits=True
    )
    rich = str(10**9)
    return values | {
        "ADMIN_IDS": str(ADMIN_ID),
        "YANDEX_FOLDER_ID": models.folder_id,
        "YANDEX_API_KEY": API_KEY,
        "YANDEX_OPENAI_URL": models.openai_url,
        "YANDEX_STT_URL": models.stt_url,
        "YANDEX_TTS_URL": models.tts_url,
        "MAX_SESSIONS_PER_USER": "10000",
        "USER_TOKENS": rich,
        "STARS_PER_1000_TOKENS": "1.8",
        "STARS_PACKS": "50000, 200000=300",
        "SUPPORT_CONTACT": "@seller",
        "SHELF": "on",
        "WEBAPP_URL": f"http://127.0.0.1:{port}",
        "WEBAPP_PORT": str(port),
        "WEBAPP_SCRIPT_URL": f"{telegram.url}/telegram-web-app.js",
    }
