"""The running bot: builds every object, starts and stops them in order.

Each `build_…` function makes one part from the parts below it: database, Telegram, models, turns, update handling, web.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from telebot import TeleBot, apihelper

from ai.catalog import Catalogue
from ai.registry import ModelRegistry
from ai.retry import unheard
from app.model_state import ModelStateStore
from app.providers import Providers, build_providers, build_registry
from app.ticker import Ticker
from app.watchdog import Watch, WatchedParts, make_metrics
from config import Config
from conversation.localization import Locales
from core import logs
from core.errors import StorageError, TelegramRefused
from core.http_client import Network, Sessions
from core.metrics import Metrics
from core.schemas import DeferredAttachment, RenderedAttachment
from database import Database
from export.story_book import file_of
from gpt import GPT, CallFailure
from handlers import privacy
from handlers.context import Services
from handlers.effects import EffectRunner
from handlers.router import Router
from handlers.usage import PICTURE, TOTALS, Statistics
from monitoring.alerts import FaultReports
from monitoring.analytics import Analytics, TellingOutbox
from monitoring.systemd import Supervisor
from telegram.api_client import BotApi
from telegram.bot_profile import bring_up_to_date
from telegram.chat_queue import ChatQueues
from telegram.dispatcher import Dispatcher
from telegram.failure_notices import FailureNotices
from telegram.polling import Polling
from telegram.rate_limits import Pace
from telegram.sender import Delivery
from telegram.webhook import Webhook
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
TURNS_MAY_TAKE_S = 20.0  # of a stop; unfinished turns are taken up at the next start
ANALYTICS_MAY_TAKE_S = 1.0


class App:
    """Composition root. `start` returns at once; `stop` ends every part in order."""

    def __init__(self, config: Config, network: Network | None = None, supervisor: Supervisor | None = None) -> None:
        self.config = config
        self.fatal = threading.Event()  # Telegram refuses the token
        self.halted = threading.Event()  # an admin stopped the bot
        self._stopped = threading.Event()
        self.supervisor = supervisor or Supervisor()
        self.locales = Locales.load(ROOT / "locales")
        metrics = make_metrics(config)
        http = Sessions(network or Network())
        self.db = build_database(config, self.locales, metrics)
        self.analytics = Analytics(self.db, api_key=config.amplitude_api_key, server_url=config.amplitude_url)
        self.registry = build_registry(config, load_catalogue(config), http)

        telegram = build_telegram(
            config=config,
            http=http,
            db=self.db,
            analytics=self.analytics,
            render=build_renderer(config, self.db, self.locales, self.registry),
            metrics=metrics,
        )
        self.bot, self.delivery = telegram.bot, telegram.delivery
        self.chats = ChatQueues()
        notices = FailureNotices(config, self.db, self.locales, self.delivery)
        reports = FaultReports(config, self.db, self.delivery, self.locales)

        models = build_models(config=config, http=http, registry=self.registry, on_failure=_reporting(metrics, reports))
        self.model_state = ModelStateStore(self.db, models.gpt, self.registry)
        self.turns = build_turns(
            foundation=Foundation(config, self.db, self.locales, metrics),
            telegram=telegram,
            models=models,
            chats=self.chats,
            notices=notices,
            analytics=self.analytics,
        )

        services = Services(
            config=config,
            db=self.db,
            locales=self.locales,
            turns=self.turns,
            registry=self.registry,
            voices=models.providers.text_to_speech.voices,
            run_id=time.time_ns() // 1_000_000,
        )
        effects = EffectRunner(
            turns=self.turns,
            chats=self.chats,
            delivery=self.delivery,
            analytics=self.analytics,
            stop_bot=self.halted.set,
        )
        self.dispatcher = Dispatcher(
            db=self.db,
            chats=self.chats,
            delivery=self.delivery,
            handler=Router(self.bot, services, effects),
            notices=notices,
            metrics=metrics,
        )
        self.source = build_source(
            config=config, api=telegram.api, dispatcher=self.dispatcher, on_fatal=self._token_refused
        )
        self.page = build_web(
            config=config, db=self.db, locales=self.locales, dispatcher=self.dispatcher, source=self.source
        )
        self.watch = Watch(
            config=config,
            db=self.db,
            parts=WatchedParts(self.source, self.dispatcher, self.turns, self.delivery),
            metrics=metrics,
            supervisor=self.supervisor,
        )
        self._ticker = Ticker(
            db=self.db,
            watch=self.watch,
            turns=self.turns,
            reports=reports,
            analytics=self.analytics,
            model_state=self.model_state,
        )

    def start(self) -> None:
        """Recall what is known of models, then start every part in its own threads."""
        self.model_state.recall()
        self.delivery.start()
        self.turns.start()
        self.dispatcher.start()
        self.source.start()
        if self.page is not None:
            self.page.start()
        self.watch.start()
        self._ticker.start(self._stopped)
        threading.Thread(target=self._show_profile, name="profile", daemon=True).start()
        self.model_state.start(self._stopped)

    def stop(self, turns_s: float = TURNS_MAY_TAKE_S) -> None:
        """Take no more updates, let running turns end, send what is ready, and close the database."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self.supervisor.stopping()
        if self.page is not None:
            self.page.stop()
        self.source.stop()
        self.dispatcher.stop()
        left = self.turns.stop(turns_s)
        self.delivery.flush(2.0)
        self.delivery.stop(2.0)
        self.model_state.keep_calibration()
        self.analytics.stop(ANALYTICS_MAY_TAKE_S)
        self.watch.stop()
        self.db.close()
        logs.event(log, logging.INFO, "stopped", turns_left=left)

    def _show_profile(self) -> None:
        self.source.begun.wait()
        bring_up_to_date(self.bot, self.db, self.locales, self.config.webapp_url)

    def _token_refused(self, error: TelegramRefused) -> None:
        logs.event(
            log,
            logging.CRITICAL,
            "Telegram refuses TELEGRAM_TOKEN: copy the right one from @BotFather",
            error=str(error),
        )
        self.fatal.set()


# ---------------------------------------------------------------------- database


@dataclass(frozen=True, slots=True)
class Foundation:
    """What every part above the database works with."""

    config: Config
    db: Database
    locales: Locales
    metrics: Metrics


def build_database(config: Config, locales: Locales, metrics: Metrics) -> Database:
    """Open the database and store the bot's own characters in it. Raises `StorageError`."""
    db = Database(config.database_path, metrics)
    for language in locales:
        db.characters.bring_up_to_date(language, locales[language].characters, int(time.time()))
    return db


# ---------------------------------------------------------------------- Telegram


@dataclass(frozen=True, slots=True)
class Telegram:
    """The ways to Telegram: `api` and `bot` make calls, `delivery` sends messages in threads of its own."""

    api: BotApi
    bot: TeleBot
    delivery: Delivery


def build_telegram(
    *,
    config: Config,
    http: Sessions,
    db: Database,
    analytics: Analytics,
    render: Callable[[DeferredAttachment], RenderedAttachment | None],
    metrics: Metrics,
) -> Telegram:
    """Build the Bot API client and the senders."""
    api = BotApi(config.telegram_token, config.telegram_api_url, http)
    # The library keeps these for the whole process, untyped.
    vars(apihelper).update(
        API_URL=f"{config.telegram_api_url}/bot{{0}}/{{1}}",
        FILE_URL=f"{config.telegram_api_url}/file/bot{{0}}/{{1}}",
        CUSTOM_REQUEST_SENDER=api.sender,
    )
    pace = Pace(
        messages_per_s=config.telegram_messages_per_s,
        chat_interval_s=config.telegram_chat_interval_s,
        group_per_min=config.telegram_group_per_min,
    )
    delivery = Delivery(
        api,
        TellingOutbox(db, analytics),
        senders=8 + config.model_slots // 8,
        pace=pace,
        on_blocked=partial(_note_blocked, db),
        make=render,
        meter=metrics,
    )
    return Telegram(api=api, bot=TeleBot(config.telegram_token, threaded=False), delivery=delivery)


def build_renderer(
    config: Config, db: Database, locales: Locales, registry: ModelRegistry
) -> Callable[[DeferredAttachment], RenderedAttachment | None]:
    """Build what renders deferred attachments; it returns None for an unknown kind."""
    statistics = Statistics(config, db, locales, registry.rubles)
    renderers: dict[str, Callable[[DeferredAttachment], RenderedAttachment | None]] = {
        "book": partial(file_of, db, locales),
        PICTURE: statistics.picture,
        TOTALS: statistics.totals,
        privacy.DATA: partial(privacy.data_file, db, locales),
    }

    def render(attachment: DeferredAttachment) -> RenderedAttachment | None:
        renderer = renderers.get(attachment.kind)
        return renderer(attachment) if renderer is not None else None

    return render


def _note_blocked(db: Database, chat_id: int) -> None:
    try:
        db.users.set_blocked(chat_id, True)
    except StorageError as error:
        logs.event(log, logging.WARNING, "block not kept", error=str(error))


def build_source(
    *, config: Config, api: BotApi, dispatcher: Dispatcher, on_fatal: Callable[[TelegramRefused], None]
) -> Polling | Webhook:
    """Build the way that updates come: the webhook if one is configured, else polling."""
    if config.webhook_url:
        return Webhook(api, dispatcher.keep, on_fatal, url=config.webhook_url, secret=config.webhook_secret)
    return Polling(api, dispatcher.keep, on_fatal)


# ---------------------------------------------------------------------- models


@dataclass(frozen=True, slots=True)
class Models:
    """What asks models and services."""

    registry: ModelRegistry
    providers: Providers
    gpt: GPT


def build_models(
    *,
    config: Config,
    http: Sessions,
    registry: ModelRegistry,
    on_failure: Callable[[CallFailure], None] = unheard,
    timeout_s: float | None = None,
) -> Models:
    """Build the providers of text, images and speech. No network."""
    providers = build_providers(config, http, registry, on_failure)
    gpt = GPT(
        providers.default,
        http,
        timeout_s=config.model_timeout_s if timeout_s is None else timeout_s,
        wire_of=providers.of_model,
        on_fault=on_failure,
    )
    return Models(registry=registry, providers=providers, gpt=gpt)


def load_catalogue(config: Config) -> Catalogue:
    """Load the models that are known by name. Raises `ConfigError` if the configured file can't be used."""
    return Catalogue.load(ROOT / "ai" / "catalog.toml", config.models_file)


def _reporting(metrics: Metrics, reports: FaultReports) -> Callable[[CallFailure], None]:
    """Return a listener that counts each failed call and reports it to the admins."""

    def on_failure(failure: CallFailure) -> None:
        metrics.model_failed(failure.purpose, failure.error.status, failure.healed)
        reports.take(failure)

    return on_failure


# ---------------------------------------------------------------------- turns


def build_turns(
    *,
    foundation: Foundation,
    telegram: Telegram,
    models: Models,
    chats: ChatQueues,
    notices: FailureNotices,
    analytics: Analytics,
) -> Turns:
    """Build the kinds of turn and their workers."""
    config, db, locales = foundation.config, foundation.db, foundation.locales
    outcomes = Outcomes(config, db, locales, models.registry)
    writing = Writing(
        config=config,
        db=db,
        gpt=models.gpt,
        choosing=Choosing(db, models.registry, telegram.delivery, outcomes),
        delivery=telegram.delivery,
        stories=StoryKind(db, locales, outcomes),
        families=talk_families(config, db, locales, models.registry),
    )
    providers = models.providers
    hearing = Hearing(config, db, writing.calls, locales, telegram.api, providers.speech_to_text)
    media = Media(
        config=config,
        db=db,
        calls=writing.calls,
        locales=locales,
        painter=providers.images,
        narrator=providers.text_to_speech,
        hearing=hearing,
    )
    return Turns(
        config=config,
        db=db,
        gpt=models.gpt,
        delivery=telegram.delivery,
        chats=chats,
        notices=notices,
        outcomes=outcomes,
        writing=writing,
        media=media,
        analytics=analytics,
        meter=foundation.metrics,
    )


# ---------------------------------------------------------------------- web


def build_web(
    *, config: Config, db: Database, locales: Locales, dispatcher: Dispatcher, source: Polling | Webhook
) -> WebApp | None:
    """Build the public server if a Web App or a webhook is configured; Flask and waitress are imported only then.

    Raises `ConfigError` if it can't listen.
    """
    if not config.webapp_url and not config.webhook_url:
        return None
    from web.server import WebApp

    return WebApp(config, db, locales, dispatcher.put, source if isinstance(source, Webhook) else None)
