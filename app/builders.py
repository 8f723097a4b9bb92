"""Builds the parts of the bot, each from the parts below it.

Order: foundation, Telegram, models, turns, dispatcher, source of updates, web.
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

from telebot import TeleBot

from ai.catalog import Catalogue
from ai.provider import CallFailure
from ai.registry import ModelRegistry
from ai.retry import ignore_failure, report
from app.http_clients import HttpClients, build_http_clients
from app.model_lists import build_registry
from app.providers import Providers, build_credential, build_providers
from app.renderers import Renderer
from app.turns import TurnOutlets, TurnParts, build_turns
from app.watchdog import make_metrics
from config import Config
from conversation.localization import Locales
from core import logs
from core.errors import ModelError, StorageError, TelegramRefused
from core.http_client import HttpClient
from core.metrics import Metrics
from core.network import Network
from database import Database
from gpt import GPT
from handlers import missing_payments
from handlers.context import Services
from handlers.effects import EffectRunner
from handlers.router import Router
from monitoring.analytics import Analytics, AnalyticsOutbox
from telegram.api_client import BotApi, send_telebot_through
from telegram.chat_queue import ChatQueues
from telegram.dispatcher import Dispatcher
from telegram.failure_notices import FailureNotices
from telegram.gathering import Gathering
from telegram.invoice_links import InvoiceLinks
from telegram.newer_fields import NewerFields
from telegram.payment_calls import PaymentCalls
from telegram.polling import Polling
from telegram.prepared_messages import PreparedMessages
from telegram.rate_limits import SendLimits
from telegram.sender import Delivery
from telegram.webhook import Webhook
from turns import guest_refusals
from turns.first_letters import FirstLetterSender
from turns.kinds.registry import MediaServices
from turns.telegram_files import TelegramFiles

if TYPE_CHECKING:
    from web.server import WebApp

log = logging.getLogger(__name__)

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "locales"


# ---------------------------------------------------------------------- foundation


@dataclass(frozen=True, slots=True)
class Foundation:
    """What every other part works with."""

    config: Config
    http: HttpClients
    locales: Locales
    metrics: Metrics
    db: Database
    analytics: Analytics


def build_foundation(config: Config, network: Network, locales: Locales) -> Foundation:
    """Open the database and store the bot's own characters in it. Raises `StorageError`."""
    metrics = make_metrics(config)
    db = Database(config.database_path, metrics)
    for language in locales:
        db.characters.bring_up_to_date(language, locales[language].characters, int(time.time()))
    return Foundation(
        config=config,
        http=build_http_clients(config, network),
        locales=locales,
        metrics=metrics,
        db=db,
        analytics=Analytics(db, api_key=config.amplitude_api_key, server_url=config.amplitude_url),
    )


# ---------------------------------------------------------------------- Telegram


@dataclass(frozen=True, slots=True)
class Telegram:
    """The parts that speak to Telegram: `api` and `bot` make calls, `delivery` sends messages in threads of its own.

    `chats` keeps each chat's updates in order; `notices` tells users of updates that fail.
    """

    api: BotApi
    bot: TeleBot
    delivery: Delivery
    chats: ChatQueues
    notices: FailureNotices


def build_telegram(base: Foundation, *, render: Renderer) -> Telegram:
    """Build the Bot API client, the senders and the queues of updates."""
    config = base.config
    fields = NewerFields(base.db.settings, config.telegram_api_url)
    api = BotApi(config.telegram_token, config.telegram_api_url, base.http.telegram, fields)
    send_telebot_through(api, config.telegram_api_url)

    def dropped(row_id: int, reason: str) -> None:
        guest_refusals.drop(base.db, base.locales, delivery.wake, row_id, reason)

    delivery = Delivery(
        api,
        AnalyticsOutbox(base.db, base.analytics, dropped),
        senders=8 + config.model_slots // 8,
        limits=SendLimits(
            messages_per_s=config.telegram_messages_per_s,
            chat_interval_s=config.telegram_chat_interval_s,
            group_per_min=config.telegram_group_per_min,
        ),
        on_blocked=partial(_note_blocked, base.db),
        render=render,
        metrics=base.metrics,
    )
    return Telegram(
        api=api,
        bot=TeleBot(config.telegram_token, threaded=False),
        delivery=delivery,
        chats=ChatQueues(Gathering(base.locales)),
        notices=FailureNotices(config, base.db, base.locales, delivery),
    )


def _note_blocked(db: Database, chat_id: int) -> None:
    try:
        db.users.set_blocked(chat_id, True)
    except StorageError as error:
        logs.event(log, logging.WARNING, "block_save_failed", error=str(error))


# ---------------------------------------------------------------------- models


@dataclass(frozen=True, slots=True)
class Models:
    """What calls models and services."""

    registry: ModelRegistry
    providers: Providers
    gpt: GPT


def build_models(
    *,
    config: Config,
    http: HttpClient,
    catalogue: Catalogue,
    timeout_s: float,
    on_failure: Callable[[CallFailure], None] = ignore_failure,
) -> Models:
    """Build the registry of models, and the providers of text, images and speech. No network.

    `timeout_s`: of a whole answer. Raise ModelDenied if Yandex's key file can't be used.
    """
    credential = build_credential(config, http, on_failure)
    registry = build_registry(config, catalogue, http, credential)
    providers = build_providers(config, http, registry, credential=credential, on_failure=on_failure)

    def on_context(model: str, tokens: int) -> None:
        if registry.limit_context(model, tokens):
            told = ModelError(f"the context of {model} is {tokens} tokens: OPENAI_CONTEXT_TOKENS says more")
            report(CallFailure(time.time(), "context", 0, 0, 1, True, model, told), on_failure)

    gpt = GPT(
        providers.default,
        http,
        timeout_s=timeout_s,
        provider_of=providers.of_model,
        on_failure=on_failure,
        on_context=on_context,
    )
    return Models(registry=registry, providers=providers, gpt=gpt)


def load_catalogue(config: Config) -> Catalogue:
    """Load the models that are known by name. Raises `ConfigError` if the configured file can't be used."""
    return Catalogue.load(ROOT / "ai" / "catalog.toml", config.models_file)


# ---------------------------------------------------------------------- turns


def build_turn_parts(base: Foundation, telegram: Telegram, models: Models) -> TurnParts:
    """Build the kinds of turn and what runs them."""
    providers = models.providers
    return build_turns(
        config=base.config,
        db=base.db,
        locales=base.locales,
        gpt=models.gpt,
        registry=models.registry,
        media=MediaServices(
            images=providers.images,
            speech=providers.text_to_speech,
            recognition=providers.speech_to_text,
            files=TelegramFiles(telegram.api),
        ),
        outlets=TurnOutlets(
            api=telegram.api,
            delivery=telegram.delivery,
            chats=telegram.chats,
            notices=telegram.notices,
            analytics=base.analytics,
            metrics=base.metrics,
        ),
    )


# ---------------------------------------------------------------------- updates


def build_services(base: Foundation, models: Models, turns: TurnParts) -> Services:
    """Build what every handler works with."""
    return Services(
        config=base.config,
        db=base.db,
        locales=base.locales,
        turns=turns.service,
        registry=models.registry,
        voices=models.providers.text_to_speech.voices,
        run_id=time.time_ns() // 1_000_000,
    )


def build_letters(base: Foundation, telegram: Telegram, turns: TurnParts) -> FirstLetterSender:
    """Build what has characters write first."""
    return FirstLetterSender(
        db=base.db, turns=turns.service, admin_ids=base.config.admin_ids, clock_problem=telegram.api.clock.problem
    )


@dataclass(frozen=True, slots=True)
class PaymentParts:
    """The calls about payments, and the links of invoices; each in threads of its own, if there is anything to do."""

    calls: PaymentCalls
    links: InvoiceLinks
    services: Services

    def start(self, stopped: threading.Event) -> None:
        """Make the calls that the last run has left, and the links."""
        missing_payments.begin(self.services)
        self.calls.wake()
        self.links.start(stopped)

    def read_list(self) -> None:
        """Ask Telegram for what was paid while the bot was off. Raises `StorageError`."""
        missing_payments.ask_after_start(self.services)
        self.calls.release_list()


def build_payments(base: Foundation, telegram: Telegram, services: Services) -> PaymentParts:
    """Build what speaks to Telegram about payments."""
    calls = PaymentCalls(
        api=telegram.api,
        db=base.db,
        delivery=telegram.delivery,
        on_end=partial(missing_payments.ended, services),
        metrics=base.metrics,
    )
    links = InvoiceLinks(api=telegram.api, db=base.db, config=base.config, locales=base.locales)
    return PaymentParts(calls, links, services)


def build_dispatcher(
    base: Foundation, telegram: Telegram, services: Services, *, payments: PaymentParts, stop_bot: Callable[[], None]
) -> Dispatcher:
    """Build the handlers and the workers that run them."""
    effects = EffectRunner(
        turns=services.turns,
        chats=telegram.chats,
        delivery=telegram.delivery,
        analytics=base.analytics,
        payment_calls=payments.calls,
        recently_said=services.recently_said,
        stop_bot=stop_bot,
    )
    return Dispatcher(
        db=base.db,
        chats=telegram.chats,
        delivery=telegram.delivery,
        handler=Router(telegram.bot, services).handle,
        carry_out=effects.carry_out,
        notices=telegram.notices,
        metrics=base.metrics,
    )


def build_source(
    base: Foundation, telegram: Telegram, dispatcher: Dispatcher, *, on_fatal: Callable[[TelegramRefused], None]
) -> Polling | Webhook:
    """Build the way that updates come: the webhook if one is configured, else polling."""
    config = base.config
    if config.webhook_url:
        url, secret = config.webhook_url, config.webhook_secret
        return Webhook(telegram.api, dispatcher.keep, on_fatal, url=url, secret=secret)
    return Polling(telegram.api, dispatcher.keep, on_fatal)


def build_web(base: Foundation, telegram: Telegram, dispatcher: Dispatcher, source: Polling | Webhook) -> WebApp | None:
    """Build the public server if a Web App or a webhook is configured; Flask and waitress are imported only then.

    Raises `ConfigError` if it can't listen.
    """
    if not base.config.webapp_url and not base.config.webhook_url:
        return None
    from web.server import WebApp

    webhook = source if isinstance(source, Webhook) else None
    prepare = PreparedMessages(telegram.api).prepare
    return WebApp(base.config, base.db, base.locales, dispatcher.put, webhook, prepare=prepare)
