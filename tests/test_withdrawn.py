"""Messages that wait when their reader has everything deleted, and a kill before they leave the queue."""

from __future__ import annotations

import json
from typing import Any

from app.application import App
from config import Config
from core.network import Network
from core.schemas import Outgoing
from telegram.update_result import IncomingUpdate
from tests.harness import ADMIN_ID, BotHarness, until
from tests.ready_made import shipped_locales

SAID = "Прежние слова"
QUEUED = [
    Outgoing(1, "sendMessage", {"text": SAID}),
    Outgoing(1, "refundStarPayment", {"user_id": 1, "telegram_payment_charge_id": "c"}),
    Outgoing(1, "editMessageText", {"message_id": 7, "text": SAID}),
    Outgoing(1, "editForumTopic", {"message_thread_id": 5, "name": SAID}),
    Outgoing(ADMIN_ID, "sendMessage", {"text": SAID}),
    Outgoing(1, "sendMessage", {"text": SAID}),
]


def pressed(message_id: int) -> dict[str, Any]:
    """Return the press of «🗑 Удалить всё», as the inbox has it."""
    sender = {"id": 1, "is_bot": False, "first_name": "Анна"}
    message = {"message_id": message_id, "date": 1, "chat": {"id": 1, "type": "private", "first_name": "Анна"}}
    query = {"id": "77", "from": sender, "message": message, "chat_instance": "1", "data": "forget:all"}
    return {"update_id": 1, "callback_query": query}


def test_a_kill_right_after_everything_is_deleted_sends_nothing_but_the_goodbye(harness: BotHarness) -> None:
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    until(harness.settled)
    harness.stop(0.0)
    environment = harness.environment()
    killed = App(Config.from_env(environment), Network.from_env(environment), locales=shipped_locales())
    killed.db.outbox.add(None, QUEUED)
    [row] = killed.db.inbox.add([(None, 1, json.dumps(pressed(asked.id)))], 1)
    assert killed.dispatcher._commit(row, IncomingUpdate(row.id, 1))  # what follows the commit isn't done any more
    killed.db.close()
    harness.start()
    person.wait("больше не помню", since=0)
    admin.wait(SAID, since=0)
    until(harness.settled)
    assert not [message for message in person.bot_messages if SAID in message.text]
    assert not harness.telegram.called("editMessageText") and not harness.telegram.called("editForumTopic")
    assert [call.params["telegram_payment_charge_id"] for call in harness.telegram.called("refundStarPayment")] == ["c"]
    harness.telegram.api.violations.clear()  # the invented query and charge have no true ids
