"""Payments that Telegram's list has and the database lacks: credited at a start or by /payments, each once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.application import PAYMENTS_READ_AFTER_S
from core.schemas import OutboxRow, Outgoing
from core.star_packs import MONTH_S, StarPack
from handlers import missing_payments
from sandbox.buyer import pay
from sandbox.users import ChatUser
from telegram.payment_calls import MOST_BUGS, _Call
from tests.forgetting import forget
from tests.harness import ADMIN_ID, BotHarness, until
from tests.paying import invoice_for, link_of, make_shop, payment_update, wait_links

Maker = Callable[..., BotHarness]
PAYMENT: dict[str, Any] = {
    "id": "c",
    "amount": 90,
    "date": 5,
    "source": {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": {"id": 1, "is_bot": False, "first_name": "А"},
        "invoice_payload": "once:50000:90",
    },
}


def keep_copy(harness: BotHarness) -> None:
    """Stop the bot, keep a copy of its database, and start it."""
    harness.stop()
    for file in harness.folder.glob("bot.db*"):
        shutil.copy(file, harness.folder / f"copy-{file.name}")
    harness.start()


def lose_what_came_since(harness: BotHarness, age_s: int = 3600) -> None:
    """Stop the bot, put the copy in the place of its database, and let so many seconds pass for Telegram's list."""
    until(harness.settled)
    harness.stop()
    for file in harness.folder.glob("bot.db*"):
        file.unlink()
    for file in harness.folder.glob("copy-*"):
        shutil.copy(file, harness.folder / file.name.removeprefix("copy-"))
    for listed in harness.telegram.state.shop["transactions"]:
        listed["date"] -= age_s


def offsets(harness: BotHarness) -> list[int]:
    return [call.params["offset"] for call in harness.telegram.called("getStarTransactions")]


def read_whole(harness: BotHarness, admin: ChatUser) -> str:
    admin.send("/payments")
    return admin.wait("Сверил. В списке").text


def test_what_a_restored_database_lacks_is_credited_and_refunded_once(make_harness: Maker) -> None:
    harness = make_shop(make_harness, reads_list=True)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    admin.send("/payments")
    assert "Все платежи и возвраты на месте" in admin.wait("Сверил. В списке Telegram операций: 0").text
    admin.send("/help")
    said = admin.wait("Администратору").text
    assert said.index("/refund") < said.index("\n/payments") < said.index("\n/stop")
    wait_links(harness)
    link, invoice = link_of(person), invoice_for(person)
    assert pay(person, invoice).ok
    person.wait("Прибавилось 50")
    until(harness.settled)
    first = harness.db.value("payment", "charge_id")
    keep_copy(harness)
    assert pay(person, invoice).ok and pay(person, link).ok
    until(lambda: harness.db.count("payment") == 3)
    harness.telegram.api.refund(first)
    until(lambda: harness.db.value("payment", "state", charge_id=first) == "refunded")
    books = harness.db.rows("payment")
    balance = harness.db.balance()
    lose_what_came_since(harness)
    mark = person.chat.revision
    harness.start()
    assert "Платежей и возвратов: 3" in admin.wait("Учёл то, о чём Telegram мне не сообщал").text
    assert "прибавилось 100" in person.wait("прибавилось 100", since=mark).text.replace("\N{NO-BREAK SPACE}", " ")
    until(harness.settled)
    told = [message.text for message in person.bot_messages if message.revision > mark]
    assert len([text for text in told if "Нашёлся ваш платёж" in text]) == 2
    assert len([text for text in told if "Вам вернулось 90" in text]) == 1
    same = ("charge_id", "user_id", "stars", "tokens", "payload", "state", "renews", "taken_back", "subscription")
    assert [[one[name] for name in same] for one in harness.db.rows("payment")] == [
        [one[name] for name in same] for one in books
    ]
    assert harness.db.balance() == balance and harness.db.value("user", "bought", id=1) == 150_000
    harness.restart()
    until(lambda: offsets(harness)[-1] == 4)  # no more than what came since is read
    assert "операций: 4. Все платежи и возвраты на месте" in read_whole(harness, admin)
    assert harness.db.balance() == balance and harness.db.count("payment") == 3
    # What was paid while the bot was off comes as an update; the list doesn't overtake it.
    assert harness.app is not None
    left = [missing_payments._page(0, 0, "since"), missing_payments._page(77, 0, "all")]
    harness.app.db.outbox.add(None, left)
    harness.stop()
    admin.send("/payments")
    harness.telegram.api.renew(1)
    harness.telegram.state.shop["transactions"][-1]["date"] -= 3600
    harness.payments_read_after_s = PAYMENTS_READ_AFTER_S
    asked = len(offsets(harness))
    harness.start()
    person.wait("Подписка продлена до", since=0)
    assert pay(person, invoice).ok
    until(lambda: harness.db.count("payment") == 5)
    assert len(offsets(harness)) == asked
    assert set(harness.db.values("outbox", "chat_id", method="getStarTransactions")) == {77, ADMIN_ID}
    mark = admin.chat.revision
    harness.app._payments.read_list()
    assert "операций: 6. Все платежи и возвраты на месте" in admin.wait("Сверил. В списке", since=mark).text


def test_a_list_of_many_pages_is_read_whole_also_after_a_kill_and_refusals(make_harness: Maker) -> None:
    harness = make_shop(make_harness, reads_list=True)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    assert pay(person, invoice_for(person)).ok
    person.wait("Прибавилось 50")
    until(harness.settled)
    keep_copy(harness)
    assert pay(person, invoice_for(person)).ok
    until(lambda: harness.db.count("payment") == 2)
    known, lost = harness.telegram.state.shop["transactions"]
    lose_what_came_since(harness)
    shop = harness.telegram.state.shop
    shop["transactions"] = [known] * 230 + [lost]
    shop["invoices"][shop["charges"][lost["charge"]]["slug"]]["payload"] = "another shop's"
    harness.telegram.faults.refuse("getStarTransactions", 500)
    harness.start()
    admin.wait("Учёл то, о чём Telegram мне не сообщал")
    assert offsets(harness)[-3:] == [0, 100, 200] and harness.db.count("payment") == 2
    assert lost["charge"] in admin.wait("Платёж на 90 ⭐ не зачислен").text
    assert harness.db.value("payment", "tokens", charge_id=lost["charge"]) == 0
    harness.telegram.faults.refuse("getStarTransactions", 400, "Bad Request: BOT_INVALID")
    admin.send("/payments")
    assert "BOT_INVALID" in admin.wait("Telegram не показал список").text
    person.send("/payments")
    person.wait("Такой команды я не знаю")
    # An answer whose booking fails again and again is given up.
    assert harness.app is not None
    [row] = harness.app.db.outbox.add(None, [Outgoing(ADMIN_ID, "getStarTransactions", {})])
    harness.app._payments.calls._make(_Call(row, 0.0, 0.0, bugs=MOST_BUGS))
    admin.wait("Telegram не показал список", since=admin.last.revision)
    assert not harness.db.count("outbox", method="getStarTransactions")
    # One transaction that can't be booked doesn't keep the others from it, and a start goes on with what was found.
    services = harness.app._payments.services
    read = OutboxRow(1, 0, "getStarTransactions", {"offset": 200}, note_for_end="since:2")
    transactions: list[Any] = [PAYMENT | {"id": "bad", "amount": 2**63}, *[PAYMENT] * 99]
    with harness.app.db.transaction():
        said = missing_payments.ended(services, read, "", {"transactions": transactions})
    assert "платежей и возвратов: 1. Номера: <code>bad</code>" in str([one.params for one in said])
    assert harness.db.count("payment", charge_id="c") == 1 and not harness.db.count("payment", charge_id="bad")
    missing_payments.begin(services)
    for _ in range(2):  # asked for once
        missing_payments.ask_after_start(services)
    assert [row.note_for_end for row in harness.app.db.outbox.pending_of(["getStarTransactions"])] == ["since:3"]
    # A month that somebody banned has paid is the last one.
    month = PAYMENT["source"] | {"invoice_payload": "month:100000:150", "subscription_period": MONTH_S}
    paid = PAYMENT | {"id": "m", "amount": 150, "date": int(time.time()) - 3600, "source": month}
    with harness.app.db.transaction():
        harness.app.db.accounts.set_banned(1, True)
        said = missing_payments.ended(services, read, "", {"transactions": [paid]})
        harness.app.db.accounts.set_banned(1, False)
    assert [one.params["telegram_payment_charge_id"] for one in said if one.method.startswith("edit")] == ["m"]


def test_a_start_leaves_what_was_paid_just_now_to_its_update_and_a_new_database_what_was_paid_before(
    make_harness: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    harness = make_shop(make_harness, reads_list=True)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    keep_copy(harness)
    admin.send("/start")
    invoice = invoice_for(person)
    assert pay(person, invoice).ok and pay(person, invoice).ok
    until(lambda: harness.db.count("payment") == 2)
    harness.telegram.api.refund(harness.db.last("payment", "charge_id"))
    person.wait("Вам вернулось")
    lose_what_came_since(harness, age_s=5)
    asked = len(offsets(harness))
    harness.start()
    until(lambda: len(offsets(harness)) > asked and harness.settled())
    assert harness.db.count("payment") == 0
    lose_what_came_since(harness)
    harness.db.change("setting", {"key": "payments_read:" + harness.telegram.token.partition(":")[0]}, key="other")
    harness.telegram.faults.refuse("getStarTransactions", 400, "Bad Request: BOT_INVALID")
    asked = len(offsets(harness))
    harness.start()
    until(lambda: len(offsets(harness)) > asked and harness.settled())
    admin.wait("Telegram не показал список")
    assert pay(person, invoice).ok
    person.wait("Прибавилось 50")
    harness.restart()
    until(lambda: "payments_before" in caplog.text)
    assert harness.db.count("payment") == 1
    # A payment and its refund that both were missing are booked, and nothing is said of them.
    mark = person.chat.revision
    assert "Не хватало платежей и возвратов: 2" in read_whole(harness, admin)
    assert harness.db.balance() == 130_000
    person.wait("Нашёлся ваш платёж")
    until(harness.settled)
    assert len([message for message in person.bot_messages if message.revision > mark]) == 1
    assert sorted(harness.db.values("payment", "state")) == ["paid", "paid", "refunded"]


ENDS = {"goes on": int(time.time()) - 3600, "is over": 5}  # when each month was paid


def test_a_missing_payment_of_who_was_forgotten_waits_for_their_return(make_harness: Maker) -> None:
    harness = make_shop(make_harness, reads_list=True)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    invoice = invoice_for(person)
    forget(harness, person)
    keep_copy(harness)
    assert pay(person, invoice).ok  # registers them anew
    person.wait("Прибавилось 50")
    lose_what_came_since(harness)
    mark = person.chat.revision
    harness.start()
    assert read_whole(harness, admin)
    assert not harness.db.count("user", id=1) and harness.db.count("payment") == 1
    assert not [message for message in person.bot_messages if message.revision > mark]
    # A month that they have paid is the last one.
    app = harness.app
    assert app is not None
    month = PAYMENT["source"] | {"invoice_payload": "month:100000:150", "subscription_period": MONTH_S}
    paid: list[Any] = [
        PAYMENT | {"id": name, "amount": 150, "date": date, "source": month} for name, date in ENDS.items()
    ]
    read = OutboxRow(1, 0, "getStarTransactions", {"offset": 200}, note_for_end="since:2")
    with app.db.transaction():
        said = missing_payments.ended(app._payments.services, read, "", {"transactions": paid})
    assert [one.params["telegram_payment_charge_id"] for one in said if one.method.startswith("edit")] == ["goes on"]
    person.send("/start")
    until(lambda: harness.db.count("user", id=1))
    assert harness.db.balance() == 280_000 and harness.db.value("user", "bought", id=1) == 250_000


def test_a_payment_that_waits_as_an_update_credits_a_new_database_nothing_else(
    make_harness: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    harness = make_shop(make_harness, reads_list=True)
    person = harness.new_person()
    until(harness.settled)
    keep_copy(harness)
    invoice = invoice_for(person)
    assert pay(person, invoice).ok and pay(person, invoice).ok
    until(lambda: harness.db.count("payment") == 2)
    lose_what_came_since(harness)
    harness.db.change("setting", {"key": "payments_read:" + harness.telegram.token.partition(":")[0]}, key="other")
    harness.payments_read_after_s = 0.5
    harness.telegram.raw_update(payment_update("once:50000:90", 90))  # waits for the start
    harness.start()
    until(lambda: "payments_before" in caplog.text)
    assert harness.db.count("payment") == 1 and harness.db.balance() == 80_000


@pytest.mark.parametrize(
    "changes",
    [
        {"source": None, "receiver": {"type": "fragment"}},
        {"source": PAYMENT["source"] | {"transaction_type": "gift_purchase"}},
        {"source": PAYMENT["source"] | {"invoice_payload": None}},
        {"source": PAYMENT["source"] | {"user": None}},
        {"source": PAYMENT["source"] | {"user": {}}},
        {"source": PAYMENT["source"] | {"user": 7}},
        {"source": 7},
        {"id": 7},
        {"amount": None},
        {"date": "yesterday"},
    ],
)
def test_what_is_no_payment_is_passed_over(changes: dict[str, Any]) -> None:
    found = missing_payments._transaction(PAYMENT)
    assert found is not None and not found.refund
    assert (found.charge_id, found.payer.id, found.pack) == ("c", 1, StarPack(50_000, 90))
    assert missing_payments._transaction(PAYMENT | changes) is None
    assert missing_payments._transaction("x") is None


@pytest.mark.parametrize(
    "changes", [{"amount": 91}, {"source": PAYMENT["source"] | {"invoice_payload": "another shop's"}}]
)
def test_a_payment_for_no_pack_of_ours_is_found_without_one(changes: dict[str, Any]) -> None:
    listed = PAYMENT | changes
    found = missing_payments._transaction(listed)
    assert found is not None and found.pack is None
    assert (found.stars, found.payload) == (listed["amount"], listed["source"]["invoice_payload"])
