"""Tells the admins, once for each model, that Yandex offers it and the catalog has no price of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from typing import Final

from ai.catalog import Model
from conversation.localization import Locales
from core.logs import event
from database import Database
from telegram.sender import Delivery
from turns.message_view import sentence

log = logging.getLogger(__name__)

TOLD: Final = "unpriced_models"


class UnpricedModels:
    """The models whose tokens count as the default one's because nobody knows their price."""

    def __init__(self, db: Database, locales: Locales, admin_ids: Collection[int], delivery: Delivery) -> None:
        self._db = db
        self._locales = locales
        self._admin_ids = admin_ids
        self._delivery = delivery
        self._logged: set[str] = set()

    def tell(self, models: Sequence[Model]) -> None:
        """Tell the admins of those that they don't know of yet. Raise StorageError."""
        unpriced = [model.name for model in models if model.vendor == "yandex" and model.price is None]
        told = set(json.loads(self._db.settings.get(TOLD) or "[]"))
        new = [name for name in unpriced if name not in told]
        if not new:
            return
        names = ", ".join(new)
        if not self._logged.issuperset(new):  # while no admin has begun a chat, this is asked again every hour
            self._logged.update(new)
            event(log, logging.WARNING, "model_price_missing", models=names, hint="set their prices in MODELS_FILE")
        admins = [admin for admin in map(self._db.users.get, sorted(self._admin_ids)) if admin and not admin.blocked]
        messages = [
            sentence(admin.id, self._locales[admin.language].say("admin.unpriced", models=names)) for admin in admins
        ]
        with self._db.transaction():
            rows = self._db.outbox.add(None, messages)
            if messages:
                self._db.settings.put(TOLD, json.dumps(sorted(told.union(new))))
        self._delivery.wake(rows)
