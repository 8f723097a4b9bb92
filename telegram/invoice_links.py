"""Invoices of packs, and their links: what the page inside Telegram opens, and the only way to a subscription.

A link belongs to a pack and a language, not to a user: whoever pays gets the tokens. It is made once and kept.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from config import Config
from conversation.localization import Locales, Texts
from core.errors import StorageError, TelegramError, TelegramUnreachable
from core.logs import event
from core.schemas import Json
from core.star_packs import CURRENCY, MONTH_S, StarPack
from database import Database
from telegram.api_client import BotApi

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 600.0


def invoice(texts: Texts, pack: StarPack) -> dict[str, Json]:
    """Return the parameters of an invoice for a pack."""
    title = texts.plain("buy.invoice_month" if pack.monthly else "buy.invoice", tokens=pack.tokens)
    return {
        "title": title,
        "description": texts.plain("buy.invoice_about_month" if pack.monthly else "buy.invoice_about"),
        "payload": pack.payload,
        "currency": CURRENCY,
        "prices": [{"label": title, "amount": pack.stars}],
    }


def link_of(db: Database, config: Config, language: str, pack: StarPack) -> str:
    """Return the link of a pack's invoice; empty while Telegram has not made it."""
    return db.settings.get(_key(config, language, pack)) or ""


def _key(config: Config, language: str, pack: StarPack) -> str:
    bot_id = config.telegram_token.partition(":")[0]  # a link belongs to the bot that made it
    return f"invoice_link:{bot_id}:{language}:{pack.payload}"


class InvoiceLinks:
    """Asks Telegram for the links that are missing, in a thread of its own."""

    def __init__(self, *, api: BotApi, db: Database, config: Config, locales: Locales) -> None:
        self._api = api
        self._db = db
        self._config = config
        self._locales = locales

    def start(self, stopped: threading.Event) -> None:
        """Start the thread if packs are sold; it ends when it has all links or `stopped` is set."""
        if self._config.packs:
            threading.Thread(target=self._run, args=(stopped,), name="invoice-links", daemon=True).start()

    def _run(self, stopped: threading.Event) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._make_all(stopped) and not stopped.wait(pause_s):
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _make_all(self, stopped: threading.Event) -> bool:
        """Make the missing links; return whether none is missing."""
        for language in self._locales:
            for pack in self._config.packs:
                if stopped.is_set():
                    return True
                try:
                    if not link_of(self._db, self._config, language, pack):
                        self._make(language, pack)
                except (StorageError, TelegramError) as error:
                    if not stopped.is_set():  # else the database is closed
                        event(log, logging.WARNING, "invoice_link_failed", pack=pack.payload, error=str(error))
                    return False
        return True

    def _make(self, language: str, pack: StarPack) -> None:
        params = invoice(self._locales[language], pack)
        if pack.monthly:
            params["subscription_period"] = MONTH_S
        link = self._api.call("createInvoiceLink", params)
        if not isinstance(link, str):
            raise TelegramUnreachable("createInvoiceLink", "no link in the answer", sent=True)
        self._db.settings.put(_key(self._config, language, pack), link)
