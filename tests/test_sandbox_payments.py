"""Telegram's stand-in refuses invoices, answers and refunds as Telegram does, and plays payments strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.buyer import begin_to_pay, invoice_of
from sandbox.payments import MONTH_S
from sandbox.telegram import TelegramServer
from sandbox.telegram_state import State
from sandbox.telegram_store import Store
from sandbox.users import NotShown
from tests.sandbox_bot import Bot, Clock, bot, clock, server

__all__ = ["bot", "clock", "server"]

INVOICE: dict[str, Any] = {
    "title": "50 000",
    "description": "Токены",
    "payload": "once:50000:90",
    "currency": "XTR",
    "prices": [{"label": "50 000", "amount": 90}],
}


def paid(bot: Bot, server: TelegramServer) -> str:
    """Return the charge of a payment that the bot has allowed."""
    begin_to_pay(server.user(1), bot.ok("createInvoiceLink", **INVOICE))
    query = bot.ok("getUpdates")[-1]["pre_checkout_query"]
    assert bot.ok("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    charge = bot.ok("getUpdates")[-1]["message"]["successful_payment"]["telegram_payment_charge_id"]
    assert isinstance(charge, str)
    return charge


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "EUR"}, "PAYMENT_PROVIDER_INVALID"),
        ({"provider_token": "5:TEST"}, "STARS_INVOICE_INVALID"),
        ({"prices": INVOICE["prices"] * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "x", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "x", "amount": 10_001}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"payload": "я" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]}}, "REPLY_MARKUP_BUY_EMPTY"),
    ],
)
def test_an_invoice_that_telegram_would_not_take_is_refused(bot: Bot, changes: dict[str, Any], words: str) -> None:
    assert words in bot.refused("sendInvoice", chat_id=1, **INVOICE | changes)


@pytest.mark.parametrize("changes", [{"title": "x" * 33}, {"description": "x" * 256}, {"prices": None}])
def test_an_invoice_that_breaks_the_contract_is_a_violation(bot: Bot, changes: dict[str, Any]) -> None:
    bot.refused("sendInvoice", chat_id=1, **INVOICE | changes)
    assert bot.server.violations
    bot.server.api.violations.clear()


def test_a_subscription_lasts_thirty_days_and_is_opened_by_a_link_only(bot: Bot) -> None:
    assert "SUBSCRIPTION_PERIOD_INVALID" in bot.refused("createInvoiceLink", **INVOICE, subscription_period=60)
    assert bot.ok("createInvoiceLink", **INVOICE, subscription_period=MONTH_S).startswith("https://t.me/$")
    bot.raw("sendInvoice", json={"chat_id": 1, **INVOICE, "subscription_period": MONTH_S})
    assert bot.server.violations.pop() == "sendInvoice: unknown parameter subscription_period"
    bot.server.api.violations.clear()


def test_the_question_before_a_payment_waits_ten_seconds_for_one_answer(
    bot: Bot, server: TelegramServer, clock: Clock
) -> None:
    anna, link = server.user(1), bot.ok("createInvoiceLink", **INVOICE)
    begin_to_pay(anna, link)
    query = bot.ok("getUpdates")[-1]["pre_checkout_query"]
    answer = {"pre_checkout_query_id": query["id"]}
    assert "error_message" in bot.refused("answerPreCheckoutQuery", **answer, ok=False)
    assert bot.ok("answerPreCheckoutQuery", **answer, ok=False, error_message="Нет")
    assert "query is too old" in bot.refused("answerPreCheckoutQuery", **answer, ok=True)
    begin_to_pay(anna, link)
    late = bot.ok("getUpdates")[-1]["pre_checkout_query"]["id"]
    clock.now += 11
    assert "query is too old" in bot.refused("answerPreCheckoutQuery", pre_checkout_query_id=late, ok=True)
    assert invoice_of(anna, link)["stars"] == 5000


def test_a_payment_is_delivered_twice_and_refunded_once(bot: Bot, server: TelegramServer, tmp_path: Path) -> None:
    charge = paid(bot, server)
    twice = [update["message"] for update in bot.ok("getUpdates") if "successful_payment" in update.get("message", {})]
    assert len(twice) == 2 and twice[0] == twice[1]
    assert server.api.stars_of(1) == 4910
    named = {"telegram_payment_charge_id": charge}
    assert "user not found" in bot.refused("refundStarPayment", user_id=77, **named)
    assert "CHARGE_NOT_FOUND" in bot.refused("refundStarPayment", user_id=1, telegram_payment_charge_id="x")
    assert "SUBSCRIPTION_NOT_FOUND" in bot.refused("editUserStarSubscription", user_id=1, is_canceled=True, **named)
    Store(server.state, tmp_path / "chats.json").save()
    kept = State()
    assert Store(kept, tmp_path / "chats.json").load() and kept.shop == server.state.shop
    assert bot.ok("refundStarPayment", user_id=1, **named)
    assert bot.ok("getUpdates")[-1]["message"]["refunded_payment"]["telegram_payment_charge_id"] == charge
    assert "CHARGE_ALREADY_REFUNDED" in bot.refused("refundStarPayment", user_id=1, **named)
    assert server.api.stars_of(1) == 5000


def test_the_list_of_payments_has_refunds_too_and_comes_in_pages(
    bot: Bot, server: TelegramServer, clock: Clock
) -> None:
    first, second = paid(bot, server), paid(bot, server)
    clock.now += 5
    server.api.refund(first)
    listed = bot.ok("getStarTransactions")["transactions"]
    assert [(one["id"], one["amount"], one["date"], "receiver" in one) for one in listed] == [
        (first, 90, int(clock.now) - 5, False),
        (second, 90, int(clock.now) - 5, False),
        (first, 90, int(clock.now), True),
    ]
    partner = listed[0]["source"]
    assert (partner["type"], partner["transaction_type"]) == ("user", "invoice_payment")
    assert (partner["user"]["id"], partner["invoice_payload"]) == (1, INVOICE["payload"])
    for offset, limit, number in ((1, 1, 1), (2, 100, 1), (3, 100, 0), (0, 0, 1), (0, 900, 3)):
        page = bot.ok("getStarTransactions", offset=offset, limit=limit)["transactions"]
        assert page == listed[offset : offset + number]


def test_a_renewal_is_a_month_of_its_own_subscriber(bot: Bot, server: TelegramServer) -> None:
    link = bot.ok("createInvoiceLink", **INVOICE, subscription_period=MONTH_S)
    for user_id in (1, 2):
        begin_to_pay(server.user(user_id), link)
        query = bot.ok("getUpdates")[-1]["pre_checkout_query"]
        assert bot.ok("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    for user_id in (1, 1, 2):
        server.api.renew(user_id)
    ends = [one["expires"] for one in server.state.shop["charges"].values()]
    assert [(end - ends[0]) // MONTH_S for end in ends] == [0, 0, 1, 2, 1]
    listed = bot.ok("getStarTransactions")["transactions"]
    assert {one["source"]["subscription_period"] for one in listed} == {MONTH_S}


def test_nobody_pays_more_than_they_have_or_for_what_is_not_there(bot: Bot, server: TelegramServer) -> None:
    link = bot.ok("createInvoiceLink", **INVOICE)
    server.state.shop["stars"]["1"] = 89
    for wanted in (link, "https://t.me/$none", None):
        with pytest.raises(NotShown):
            begin_to_pay(server.user(1), wanted)
