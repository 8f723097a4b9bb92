"""The running bot: builds every object from the parts in `app/builders.py`, starts and stops them in order."""

from __future__ import annotations

import logging
import threading

from app.builders import (
    LOCALES,
    build_dispatcher,
    build_foundation,
    build_letters,
    build_models,
    build_payments,
    build_services,
    build_source,
    build_telegram,
    build_turn_parts,
    build_web,
    load_catalogue,
)
from app.model_state import ModelStateStore
from app.renderers import build_renderer
from app.service_prices import with_service_prices
from app.ticker import Ticker
from app.unpriced_models import UnpricedModels
from app.watchdog import Watch, WatchedParts
from config import Config
from conversation.localization import Locales
from core import logs
from core.errors import StorageError, TelegramRefused
from core.metrics import Metrics
from core.network import Network
from monitoring.alerts import ModelErrorAlerts
from monitoring.systemd import Supervisor
from telegram.bot_profile import bring_up_to_date, learn_name

log = logging.getLogger(__name__)

TURNS_MAY_TAKE_S = 20.0  # of a stop; unfinished turns are taken up at the next start
ANALYTICS_MAY_TAKE_S = 1.0
PAYMENTS_READ_AFTER_S = 60.0  # Telegram has answered: by then the updates that waited are handled
PAYMENTS_READ_AGAIN_S = 60.0  # after a failed disk


class App:
    """Composition root. `start` returns at once; `stop` ends every part in order.

    `locales` are read from `locales/` unless they are given. `sets_profile`: the bot gives itself its name, its
    commands and its menu in Telegram, at its start. Telegram's list of payments is read `payments_read_after_s` after
    its first answer.
    """

    def __init__(
        self,
        config: Config,
        network: Network | None = None,
        supervisor: Supervisor | None = None,
        locales: Locales | None = None,
        *,
        sets_profile: bool = True,
        payments_read_after_s: float = PAYMENTS_READ_AFTER_S,
    ) -> None:
        catalogue = load_catalogue(config)
        self.config = config = with_service_prices(config, catalogue)
        self.fatal = threading.Event()  # Telegram refuses the token
        self.halted = threading.Event()  # an admin stopped the bot
        self._stopped = threading.Event()
        self.supervisor = supervisor or Supervisor()
        self._sets_profile = sets_profile
        self._payments_read_after_s = payments_read_after_s

        base = build_foundation(config, network or Network(), locales or Locales.load(LOCALES))
        self.db, self.locales, self.analytics = base.db, base.locales, base.analytics
        telegram = build_telegram(base, render=build_renderer(config, base.db, base.locales, self._rubles))
        self.bot, self.delivery, self.chats = telegram.bot, telegram.delivery, telegram.chats
        self.alerts = ModelErrorAlerts(config, self.db, self.delivery, self.locales, base.metrics)
        models = build_models(
            config=config,
            http=base.http.models,
            catalogue=catalogue,
            on_failure=self.alerts.report,
            timeout_s=config.model_timeout_s,
        )
        self.registry = models.registry
        unpriced = UnpricedModels(self.db, self.locales, config.admin_ids, self.delivery)
        self._model_state = ModelStateStore(
            self.db,
            models.gpt,
            self.registry,
            models.providers.learned,
            on_slots=self._limit_model_workers,
            on_models=lambda: unpriced.tell(self.registry.models),
        )
        turns = build_turn_parts(base, telegram, models)
        self.turns = turns.workers
        services = build_services(base, models, turns)
        self.letters = build_letters(base, telegram, turns)
        self._payments = build_payments(base, telegram, services)
        self.dispatcher = build_dispatcher(base, telegram, services, payments=self._payments, stop_bot=self.halted.set)
        self.source = build_source(base, telegram, self.dispatcher, on_fatal=self._token_refused)
        self.page = build_web(base, telegram, self.dispatcher, self.source)
        self.watch = self._watch(base.metrics)
        self._ticker = Ticker(
            db=self.db,
            watch=self.watch,
            turns=self.turns,
            alerts=self.alerts,
            analytics=self.analytics,
            model_state=self._model_state,
            letters=self.letters,
        )

    def _watch(self, metrics: Metrics) -> Watch:
        return Watch(
            config=self.config,
            db=self.db,
            parts=WatchedParts(self.source, self.dispatcher, self.turns, self.delivery),
            metrics=metrics,
            supervisor=self.supervisor,
        )

    def start(self) -> None:
        """Recall what is known of models, then start every part in its own threads."""
        self._model_state.recall()
        self.db.outbox.delete_withdrawn()
        self.delivery.start()
        self._payments.start(self._stopped)
        self.turns.start()
        self.dispatcher.start()
        self.source.start()
        if self.page is not None:
            self.page.start()
        self.watch.start()
        self._ticker.start(self._stopped)
        threading.Thread(target=self._introduce, name="profile", daemon=True).start()
        self._model_state.start(self._stopped)

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
        self._payments.calls.stop(2.0)
        self._model_state.keep_calibration()
        self.analytics.stop(ANALYTICS_MAY_TAKE_S)
        self.watch.stop()
        self.db.close()
        logs.event(log, logging.INFO, "bot_stopped", turns_left=left)

    def _rubles(self, model: str, input: int, output: int, cached: int) -> float | None:
        """Return a price by the registry, which is built after what asks for it."""
        return self.registry.rubles(model, input, output, cached)

    def _limit_model_workers(self, slots: int) -> None:
        """Let no more turns run than the server writes answers: the others wait in the bot's queue, with a place."""
        if not self.config.has_yandex:
            self.turns.limit(slots)

    def _introduce(self) -> None:
        self.source.begun.wait()
        learn_name(self.bot, self.db)
        if self._sets_profile:
            bring_up_to_date(self.bot, self.db, self.locales, self.config.webapp_url)
        pause_s = self._payments_read_after_s
        while not self._stopped.wait(pause_s):
            try:
                self._payments.read_list()
                return
            except StorageError as error:
                if not self._stopped.is_set():  # then the database is closed
                    logs.event(log, logging.ERROR, "storage_unavailable", part="payments", error=str(error))
            pause_s = PAYMENTS_READ_AGAIN_S

    def _token_refused(self, error: TelegramRefused) -> None:
        logs.event(
            log,
            logging.CRITICAL,
            "token_refused",
            hint="copy the right TELEGRAM_TOKEN from @BotFather",
            error=str(error),
        )
        self.fatal.set()
