"""What is pressed on the page and done by the bot: an update of its own, among those of Telegram."""

from __future__ import annotations

import json
import time

from web.authentication import Caller, WebServices


def tell(services: WebServices, caller: Caller, data: str) -> None:
    """Store an update for the bot that says what was pressed on the page, in the shape of Telegram's `web_app_data`."""
    telegram_user = caller.telegram_user
    names = {
        "first_name": telegram_user.first_name,
        "last_name": telegram_user.last_name,
        "username": telegram_user.username,
    }
    sender = {"id": telegram_user.id, "is_bot": False, "language_code": telegram_user.language_code, **names}
    message = {
        "message_id": 0,
        "date": int(time.time()),
        "chat": {"id": telegram_user.id, "type": "private", **names},
        "from": {name: value for name, value in sender.items() if value is not None},
        "web_app_data": {"data": data, "button_text": ""},
    }
    services.put(telegram_user.id, json.dumps({"update_id": 0, "message": message}))
