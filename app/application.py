"""The running bot: builds every object, starts and stops them in order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from telebot import TeleBot, apihelper

from ai.catalog import Catalogue
from ai.retry import unheard
from app.model_state import ModelStateStore
from app.providers import Vendors, make_vendors
from app.watchdog import Watch, make_meter
from config import Config
from conversation.localization import FALLBACK, Locales
from core import logs
from core.errors import StorageError, TelegramRefused
from core.http_client import Network, Sessions
from core.schemas import DeferredAttachment, Outgoing, RenderedAttachment
from database import Database, InboxRow
from export.story_book import file_of
from gpt import GPT, CallFailure
from handlers import privacy, router
from handlers.context import Services
from handlers.usage import PICTURE, TOTALS, Statistics
from monitoring.alerts import ModelErrorAlerts
from monitoring.analytics import Analytics, AnalyticsOutbox
from monitoring.systemd import Supervisor
from telegram.api_client import BotApi
from telegram.bot_profile import bring_up_to_date
from telegram.dispatcher import Intake
from telegram.rate_limits import Pace
from telegram.sender import Delivery
from turns.characters import talk_families
from turns.generation import Writing
from turns.kinds import StoryKind
from turns.media import Media
from turns.model_choice import Choosing
from turns.story_outcomes import Outcomes
from turns.transcription import Hearing
from turns.workers import Turns

if TYPE_CHECKING:
    from web.server import WebApp

log = logging.getLogger(__name__)

ROOT = Path(__file__).parent.parent
TICKS_PER_S = 4
TURNS_MAY_TAKE_S = 20.0  # of a stop; what isn't finished by then is taken up at the next start
ANALYTICS_MAY_TAKE_S = 1.0


def _make_page(config: Config, db: Database, locales: Locales, intake: Intake) -> WebApp:
    """The public server; Flask and waitress are loaded only here. Raises `ConfigError` where it can't listen."""
    from web.server import WebApp

    return WebApp(config, db, locales, intake.put, intake.webhook)


class App:
    """Composition root. `start` returns at once; `stop` ends every part in order."""

    def __init__(self, config: Config, network: Network | None = None, supervisor: Supervisor | None = None) -> None:
        self.config = config
        self.fatal = threading.Event()
        self.halted = threading.Event()  # an admin has asked for the end
        self._stopped = threading.Event()
        self.locales = Locales.load(ROOT / "locales")
        sessions = Sessions(network or Network())
        meter = make_meter(config)
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
            AnalyticsOutbox(self.db, self.analytics),
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
        self.alerts = ModelErrorAlerts(config, self.db, self.delivery, self.locales, meter)
        vendors = make_vendors_of(config, sessions, self.alerts.report)
        self.offer = vendors.offer
        self.gpt = GPT(
            vendors.wire,
            sessions,
            timeout_s=config.model_timeout_s,
            wire_of=vendors.wire_of,
            on_fault=self.alerts.report,
        )
        webhook = (config.webhook_url, config.webhook_secret) if config.webhook_url else None
        said = self._trouble, self._no_access, self._poisoned
        self.intake = Intake(self.bot, self.api, self.db, self.delivery, *said, webhook=webhook, meter=meter)
        outcomes = Outcomes(config, self.db, self.locales, self.offer)
        choosing = Choosing(self.db, self.offer, self.delivery, outcomes)
        stories = StoryKind(self.db, self.locales, outcomes)
        families = talk_families(config, self.db, self.locales, self.offer)
        writing = Writing(config, self.db, self.gpt, choosing, self.delivery, stories, families)
        hearing = Hearing(config, self.db, writing.calls, self.locales, self.api, vendors.recogniser)
        media = Media(config, self.db, writing.calls, self.locales, vendors.painter, vendors.narrator, hearing)
        self.turns = Turns(
            *(config, self.db, self.gpt, self.delivery, self.intake, outcomes, writing, media, self.analytics),
            meter=meter,
        )
        statistics = Statistics(config, self.db, self.locales, self.offer.rubles)
        self._makers: Mapping[str, Callable[[DeferredAttachment], RenderedAttachment | None]] = {
            "book": partial(file_of, self.db, self.locales),
            PICTURE: statistics.picture,
            TOTALS: statistics.totals,
            privacy.DATA: partial(privacy.data_file, self.db, self.locales),
        }
        desk = Services(
            *(config, self.db, self.locales, self.intake, self.delivery, self.turns, outcomes, media, self.offer),
            self.analytics,
            halt=self.halted.set,
            life=time.time_ns() // 1_000_000,
        )
        router.register(self.bot, desk)
        self.page = None
        if config.webapp_url or config.webhook_url:
            self.page = _make_page(config, self.db, self.locales, self.intake)
        self.learned = ModelStateStore(self.db, self.gpt, self.offer)
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
        logs.event(log, logging.INFO, "bot_stopped", turns_left=left)

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
                    self.alerts.flush()
                    self.analytics.flush()
                    self.db.forgetting.erase_words()
                if ticks % (60 * TICKS_PER_S) == 0:
                    self.learned.keep_calibration()
                if ticks % (3600 * TICKS_PER_S) == 1:
                    self.db.inbox.purge(int(time.time()))
                    self.db.stories.purge(int(time.time()))
                    self.db.characters.purge(int(time.time()))
            except StorageError as error:
                logs.event(log, logging.ERROR, "storage_unavailable", part="ticker", error=str(error))
            except Exception:
                logs.event(log, logging.ERROR, "ticker_failed", exc_info=True)

    # ------------------------------------------------------------------ callbacks of lower layers

    def _trouble(self, chat_id: int, kind: str) -> str:
        """The sentence for a chat whose handler failed; the database may be what failed."""
        try:
            user = self.db.users.get(chat_id)
        except StorageError:
            user = None
        return self.locales[user.language if user else FALLBACK].say(f"trouble.{kind}")

    def _make(self, recipe: DeferredAttachment) -> RenderedAttachment | None:
        """What a message is made of when it is sent; None for what nobody makes (any more)."""
        maker = self._makers.get(recipe.kind)
        return maker(recipe) if maker is not None else None

    def _no_access(self, error: TelegramRefused) -> None:
        logs.event(
            log,
            logging.CRITICAL,
            "token_refused",
            hint="copy the right TELEGRAM_TOKEN from @BotFather",
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
            logs.event(log, logging.WARNING, "block_save_failed", error=str(error))


def make_vendors_of(config: Config, sessions: Sessions, on_fault: Callable[[CallFailure], None] = unheard) -> Vendors:
    """Providers of models, images and speech, with the catalog that the configuration names."""
    return make_vendors(config, load_catalogue(config), sessions, on_fault)


def load_catalogue(config: Config) -> Catalogue:
    """The models that are known by name. Raises `ConfigError` where a file of them can't be used."""
    return Catalogue.load(ROOT / "ai" / "catalog.toml", config.models_file)
