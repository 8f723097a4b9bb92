"""A bot that sells tokens, and somebody who buys them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness, until

SHOP: dict[str, object] = {
    "STARS_PER_1000_TOKENS": 1.8,
    "STARS_PACKS": "50000, 200000=300, month:100000=150",
    "SUPPORT_CONTACT": "@seller",
}


def make_shop(
    make_harness: Callable[..., BotHarness], *, profile: bool = False, reads_list: bool = False, **settings: object
) -> BotHarness:
    """Return a harness whose bot sells 50,000 tokens for 90 Stars, two other packs, and runs.

    `reads_list`: it reads Telegram's list of payments at once when it has started, not a minute later.
    """
    harness = make_harness(**SHOP | settings)
    harness.sets_profile = profile
    if reads_list:
        harness.payments_read_after_s = 0
    harness.start()
    return harness


def invoice_for(person: ChatUser, label: str = "50\N{NO-BREAK SPACE}000 токенов · 90 ⭐") -> ChatMessage:
    """Press «⭐ Купить» in the profile and a pack; return the invoice."""
    person.send("/balance")
    person.tap("⭐ Купить", person.wait("Осталось"))
    person.tap(label, person.wait("Токены за звёзды"))
    return person.wait(is_invoice)


def is_invoice(message: ChatMessage) -> bool:
    return "invoice" in (message.more or {})


def link_of(person: ChatUser, words: str = "в месяц") -> str:
    """Return the link of the pack whose button has these words."""
    person.send("/balance")
    person.tap("⭐ Купить", person.wait("Осталось"))
    shown = person.wait("Токены за звёзды")
    return next(button.url or "" for row in shown.buttons for button in row if words in button.text)


def wait_links(harness: BotHarness) -> None:
    """Wait until every pack has its link in both languages."""
    until(lambda: len([key for key in harness.db.values("setting", "key") if key.startswith("invoice_link:")]) == 6)


def payment_update(payload: str, stars: int, **more: Any) -> dict[str, Any]:
    """Return the message of a payment as Telegram sends it to Anna's chat."""
    anna = {"id": 1, "first_name": "Анна"}
    paid = {"currency": "XTR", "total_amount": stars, "invoice_payload": payload, "provider_payment_charge_id": ""}
    paid |= {"telegram_payment_charge_id": "charge-1"} | more
    chat, sender = {**anna, "type": "private"}, {**anna, "is_bot": False, "language_code": "ru"}
    return {"message": {"message_id": 900, "date": 1, "chat": chat, "from": sender, "successful_payment": paid}}
