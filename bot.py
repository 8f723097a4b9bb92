"""Соавтор: a Telegram bot that writes stories together with its user on YandexGPT.

`main()` reads the environment, wires the rooms together and runs until it is told to stop. `App` is the same
bot without the process around it. Run with `--check` to try the configuration, with `--backup FILE` to copy the
database, with `--health` to ask a running bot how it is, and with no argument to serve.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from telebot import TeleBot, apihelper

import logs
from bot_profile import bring_up_to_date
from botapi import BotApi
from catalogue import Catalogue
from config import Config, load_environment
from connections import Network, Sessions
from database import Database, InboxRow, back_up
from delivery import Delivery
from errors import CoauthorError, ConfigError, StorageError, TelegramRefused
from fault_reports import FaultReports
from gpt import GPT, Fault
from handlers import front, privacy
from handlers.usage import PICTURE, TOTALS, Statistics
from handlers.visit import Desk
from intake import Intake
from learned import Learned
from messages import Made, Outgoing, Recipe
from meter import SILENT, Meter
from monitoring.asking import ask
from monitoring.watch import Watch, make_meter
from self_check import check
from sending.pacing import Pace
from services.analytics import Analytics, TellingOutbox
from storytelling.books import file_of
from storytelling.choosing import Choosing
from storytelling.family import StoryFamily
from storytelling.hearing import Hearing
from storytelling.media import Media
from storytelling.outcomes import Outcomes
from storytelling.writing import Writing
from supervisor import Supervisor
from talking.characters import talk_families
from texts import FALLBACK, Locales
from turns import Turns
from vendors import Vendors, make_vendors

if TYPE_CHECKING:
    from webapp.server import WebApp

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
TICKS_PER_S = 4
TURNS_MAY_TAKE_S = 20.0  # of a stop; what isn't finished by then is taken up at the next start
ANALYTICS_MAY_TAKE_S = 1.0
LEAVING_MAY_TAKE_S = 1.0  # after a stop: threads of Amplitude's SDK wait ten seconds for a server that is silent
STOP_MAY_TAKE_S = 24.5  # all of it; the process may end at any moment without losing anything
NO_TOKEN = (
    "No TELEGRAM_TOKEN is set. Try the bot without any key: make demo. "
    "For the real Telegram copy .env.example to .env and fill in the first lines."
)


def _make_page(config: Config, db: Database, locales: Locales, intake: Intake) -> WebApp:
    """The public server; Flask and waitress are loaded only here. Raises `ConfigError` where it can't listen."""
    from webapp.server import WebApp

    return WebApp(config, db, locales, intake.put, intake.webhook)


class FaultListener:
    """Takes faults before there is anybody to report them to."""

    def __init__(self, meter: Meter = SILENT) -> None:
        self.reports: FaultReports | None = None
        self._meter = meter

    def __call__(self, fault: Fault) -> None:
        self._meter.model_failed(fault.purpose, fault.error.status, fault.healed)
        if self.reports is not None:
            self.reports.take(fault)


class App:
    """The bot: every room wired to the next. `start` returns at once; `stop` ends it in good order."""

    def __init__(self, config: Config, network: Network | None = None, supervisor: Supervisor | None = None) -> None:
        self.config = config
        self.fatal = threading.Event()
        self.halted = threading.Event()  # an admin has asked for the end
        self._stopped = threading.Event()
        self.locales = Locales.load(HERE / "locales")
        sessions = Sessions(network or Network())
        meter = make_meter(config)
        listener = FaultListener(meter)
        vendors = _vendors(config, sessions, listener)
        self.offer = vendors.offer
        self.gpt = GPT(
            vendors.wire,
            sessions,
            timeout_s=config.model_timeout_s,
            wire_of=vendors.wire_of,
            on_fault=listener,
        )
        self.api = BotApi(config.telegram_token, config.telegram_api_url, sessions)
        # The library keeps these for the whole process, untyped.
        vars(apihelper).update(
            API_URL=f"{config.telegram_api_url}/bot{{0}}/{{1}}",
            FILE_URL=f"{config.telegram_api_url}/file/bot{{0}}/{{1}}",
            CUSTOM_REQUEST_SENDER=self.api.sender,
        )
        self.bot = TeleBot(config.telegram_token, threaded=False)
        self.db = Database(config.database_path)
        for language in self.locales:
            self.db.characters.bring_up_to_date(language, self.locales[language].characters, int(time.time()))
        self.analytics = Analytics(self.db, api_key=config.amplitude_api_key, server_url=config.amplitude_url)
        self.db.ledger.meter = meter
        self.delivery = Delivery(
            self.api,
            TellingOutbox(self.db, self.analytics),
            senders=8 + config.model_slots // 8,
            pace=Pace(
                messages_per_s=config.telegram_messages_per_s,
                chat_interval_s=config.telegram_chat_interval_s,
                group_per_min=config.telegram_group_per_min,
            ),
            on_blocked=self._blocked,
            make=self._make,
            meter=meter,
        )
        webhook = (config.webhook_url, config.webhook_secret) if config.webhook_url else None
        said = self._trouble, self._no_access, self._poisoned
        self.intake = Intake(self.bot, self.api, self.db, self.delivery, *said, webhook=webhook, meter=meter)
        outcomes = Outcomes(config, self.db, self.locales, self.offer)
        choosing = Choosing(self.db, self.offer, self.delivery, outcomes)
        stories = StoryFamily(self.db, self.locales, outcomes)
        families = talk_families(config, self.db, self.locales, self.offer)
        writing = Writing(config, self.db, self.gpt, choosing, self.delivery, stories, families)
        hearing = Hearing(config, self.db, writing.calls, self.locales, self.api, vendors.recogniser)
        media = Media(config, self.db, writing.calls, self.locales, vendors.painter, vendors.narrator, hearing)
        self.turns = Turns(
            *(config, self.db, self.gpt, self.delivery, self.intake, outcomes, writing, media, self.analytics),
            meter=meter,
        )
        self.reports = listener.reports = FaultReports(config, self.db, self.delivery, self.locales)
        statistics = Statistics(config, self.db, self.locales, self.offer.rubles)
        self._makers: Mapping[str, Callable[[Recipe], Made | None]] = {
            "book": partial(file_of, self.db, self.locales),
            PICTURE: statistics.picture,
            TOTALS: statistics.totals,
            privacy.DATA: partial(privacy.data_file, self.db, self.locales),
        }
        desk = Desk(
            *(config, self.db, self.locales, self.intake, self.delivery, self.turns, outcomes, media, self.offer),
            self.analytics,
            halt=self.halted.set,
            life=time.time_ns() // 1_000_000,
        )
        front.register(self.bot, desk)
        self.page = None
        if config.webapp_url or config.webhook_url:
            self.page = _make_page(config, self.db, self.locales, self.intake)
        self.learned = Learned(self.db, self.gpt, self.offer)
        self.supervisor = supervisor or Supervisor()
        self.watch = Watch(config, self.db, self.intake, self.turns, self.delivery, meter, self.supervisor)

    def start(self) -> None:
        """Recalls what was learned, then starts every part, each in its own threads; returns then."""
        self.learned.recall()
        self.delivery.start()
        self.turns.start()
        self.intake.start()
        if self.page is not None:
            self.page.start()
        self.watch.start()
        threading.Thread(target=self._tick, name="ticker", daemon=True).start()
        threading.Thread(target=self._show_profile, name="profile", daemon=True).start()
        self.learned.start(self._stopped)

    def stop(self, turns_s: float = TURNS_MAY_TAKE_S) -> None:
        """Takes no more updates, lets running turns end, sends what is ready, and closes the database."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self.supervisor.stopping()
        if self.page is not None:
            self.page.stop()
        self.intake.stop()
        left = self.turns.stop(turns_s)
        self.delivery.flush(2.0)
        self.delivery.stop(2.0)
        self.learned.keep_calibration()
        self.analytics.stop(ANALYTICS_MAY_TAKE_S)
        self.watch.stop()
        self.db.close()
        logs.event(log, logging.INFO, "stopped", turns_left=left)

    def _show_profile(self) -> None:
        self.intake.source.begun.wait()
        bring_up_to_date(self.bot, self.db, self.locales, self.config.webapp_url)

    # ------------------------------------------------------------------ once a second

    def _tick(self) -> None:
        ticks = 0
        while not self._stopped.wait(1 / TICKS_PER_S):
            ticks += 1
            try:
                if ticks % TICKS_PER_S == 1:
                    self.watch.beat()
                self.turns.show_places()
                if ticks % TICKS_PER_S == 0:
                    self.reports.flush()
                    self.analytics.flush()
                    self.db.forgetting.erase_words()
                if ticks % (60 * TICKS_PER_S) == 0:
                    self.learned.keep_calibration()
                if ticks % (3600 * TICKS_PER_S) == 1:
                    self.db.inbox.purge(int(time.time()))
                    self.db.stories.purge(int(time.time()))
                    self.db.characters.purge(int(time.time()))
            except StorageError as error:
                logs.event(log, logging.ERROR, "ticker waits for the database", error=str(error))
            except Exception:
                log.exception("ticker failed")

    # ------------------------------------------------------------------ what rooms below tell

    def _trouble(self, chat_id: int, kind: str) -> str:
        """The sentence for a chat whose handler failed; the database may be what failed."""
        try:
            user = self.db.users.get(chat_id)
        except StorageError:
            user = None
        return self.locales[user.language if user else FALLBACK].say(f"trouble.{kind}")

    def _make(self, recipe: Recipe) -> Made | None:
        """What a message is made of when it is sent; None for what nobody makes (any more)."""
        maker = self._makers.get(recipe.kind)
        return maker(recipe) if maker is not None else None

    def _no_access(self, error: TelegramRefused) -> None:
        logs.event(
            log,
            logging.CRITICAL,
            "Telegram refuses TELEGRAM_TOKEN: copy the right one from @BotFather",
            error=str(error),
        )
        self.fatal.set()

    def _poisoned(self, row: InboxRow, reason: str) -> None:
        """An update was set aside: its sender hears that it won't be answered, the admins in debug mode hear why."""
        messages = []
        user = self.db.users.get(row.chat_id)
        if user is not None:
            text = self.locales[user.language].say("trouble.set_aside")
            messages.append(Outgoing(row.chat_id, "sendMessage", {"text": text, "parse_mode": "HTML"}))
        for admin_id in self.db.users.in_debug():
            if admin_id in self.config.admin_ids:
                messages.append(Outgoing(admin_id, "sendMessage", {"text": f"🐞 inbox {row.id}: {reason}"}))
        with self.db.transaction():
            rows = self.db.outbox.add(None, messages)
        self.delivery.wake(rows)

    def _blocked(self, chat_id: int) -> None:
        try:
            self.db.users.set_blocked(chat_id, True)
        except StorageError as error:
            logs.event(log, logging.WARNING, "block not kept", error=str(error))


def main(arguments: list[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Runs the bot; the process's exit code: 0 stopped, 1 it can't run, 2 not configured."""
    options = _options(arguments)
    environ = os.environ if environ is None else environ
    try:
        environment = load_environment(HERE, environ)
        config = Config.from_env(environment)
        _catalogue(config)  # its faults are the configuration's
        network = Network.from_env(environment)
    except ConfigError as error:
        return _not_configured(error)
    if options.health:  # before the log, which the running bot writes
        well, sentence = ask(config)
        print(sentence)
        return 0 if well else 1
    with logs.set_up(config.log_file, config.log_level, config.secrets, config.log_format, console_level="INFO"):
        logs.log_uncaught()
        for warning in config.warnings:
            log.warning("%s", warning)
        try:
            if options.backup is not None:
                print(f"ok    backup: {back_up(config.database_path, options.backup)}")
                return 0
            if options.check:
                return _check(config, network)
            return _serve(config, network)
        except CoauthorError as error:
            if options.backup is not None:
                print(f"FAIL  backup: {error}")
                return 1
            log.critical("%s", error)
            return 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bot.py", description="Соавтор: writes stories together with its user.")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="try token, model, database and log, then exit")
    only.add_argument("--backup", type=Path, metavar="FILE", help="copy the database to FILE, also while the bot runs")
    only.add_argument("--health", action="store_true", help="ask the running bot how it is: 0 well, 1 not")
    return parser.parse_args(arguments)


def _not_configured(error: ConfigError) -> int:
    with logs.set_up(HERE / "log.txt", console_level="CRITICAL"):
        if error.no_token and len(error.faults) == 1:
            log.error("no TELEGRAM_TOKEN")
            logs.print_line(NO_TOKEN)
        else:
            log.error("configuration: %s", " | ".join(error.faults))
            logs.print_line("The configuration has faults:")
            for fault in error.faults:
                logs.print_line(f"  {fault}")
    return 2


def _check(config: Config, network: Network) -> int:
    sessions = Sessions(network)
    vendors = _vendors(config, sessions, FaultListener())
    gpt = GPT(vendors.wire, sessions, timeout_s=30.0, wire_of=vendors.wire_of)
    api = BotApi(config.telegram_token, config.telegram_api_url, sessions)
    return 0 if check(config, api, gpt, vendors.offer, print) else 1


def _vendors(config: Config, sessions: Sessions, on_fault: FaultListener) -> Vendors:
    return make_vendors(config, _catalogue(config), sessions, on_fault)


def _catalogue(config: Config) -> Catalogue:
    """The models that are known by name. Raises `ConfigError` where a file of them can't be used."""
    return Catalogue.load(HERE / "catalogue.toml", config.models_file)


def _serve(config: Config, network: Network) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    app = App(config, network, Supervisor.from_env(os.environ, os.getpid()))
    app.start()
    logs.event(log, logging.INFO, "started", provider=config.model_provider, slots=config.model_slots)
    while not stop.wait(0.5) and not app.fatal.is_set() and not app.halted.is_set():
        pass
    code = 1 if app.fatal.is_set() else 0
    _end_within(STOP_MAY_TAKE_S, code)
    app.stop()
    _end_within(LEAVING_MAY_TAKE_S, code)
    return code


def _end_within(seconds: float, code: int) -> None:
    """Ends the process then, whatever still holds it."""
    last = threading.Timer(seconds, os._exit, args=(code,))
    last.daemon = True
    last.start()


if __name__ == "__main__":
    sys.exit(main())
