"""Messages that a user sends into other chats from the page inside Telegram: the bot prepares them at Telegram."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from core.errors import TelegramError
from core.logs import event
from core.schemas import Json
from telegram.api_client import BotApi

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 5.0  # a page waits for it


class PreparedMessages:
    """Prepares messages in the calling thread."""

    def __init__(self, api: BotApi) -> None:
        self._api = api

    def prepare(self, user_id: int, card: Mapping[str, Json]) -> str:
        """Return the id of a prepared message, which this user alone can send; empty if Telegram makes none."""
        params: dict[str, Json] = {
            "user_id": user_id,
            "result": dict(card),
            "allow_user_chats": True,
            "allow_group_chats": True,
            "allow_channel_chats": True,
        }
        try:
            made = self._api.call("savePreparedInlineMessage", params, timeout_s=TIMEOUT_S)
        except TelegramError as error:
            event(log, logging.WARNING, "prepared_message_failed", user=user_id, error=str(error))
            return ""
        found = made.get("id") if isinstance(made, dict) else None
        return found if isinstance(found, str) else ""
