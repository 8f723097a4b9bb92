"""Refunds of payments: what is taken back, who is told, what a kill and a refusal leave."""

from __future__ import annotations

from collections.abc import Callable

import requests

from sandbox.buyer import pay
from tests.harness import ADMIN_ID, BotHarness, until
from tests.paying import invoice_for, link_of, make_shop, payment_update, wait_links
from tests.test_privacy import data_of

Maker = Callable[..., BotHarness]


def test_a_refund_takes_the_tokens_back_and_tells_the_payer(make_harness: Maker) -> None:
    harness = make_shop(make_harness, METRICS_PORT=0)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    invoice = invoice_for(person)
    for _ in range(3):
        assert pay(person, invoice).ok
    until(lambda: harness.db.count("payment") == 3)
    first, second, third = harness.db.values("payment", "charge_id")
    for said, answer in (
        ("/help", "/refund — вернуть"),
        ("/info", "/paysupport — вопросы об оплате"),
        ("/refund", "Так: /refund"),
        ("/refund x", "нет"),
        (f"/refund {first} y", "Так: /refund"),
        (f"/refund {first}", "Прошу Telegram вернуть 90 ⭐"),
    ):
        admin.send(said)
        admin.wait(answer)
    admin.wait("Вернулось 90 ⭐")
    assert "теперь у вас" in person.wait("Вам вернулось 90 ⭐").text
    admin.send(f"/refund {first}")
    admin.wait("уже вернулись")
    assert harness.db.balance() == 130_000
    # Telegram refuses: the tokens are there again.
    harness.telegram.faults.refuse("refundStarPayment", 400, "Bad Request: BALANCE_TOO_LOW")
    admin.send(f"/refund {second}")
    assert "BALANCE_TOO_LOW" in admin.wait("не вернул").text
    assert harness.db.balance() == 130_000 and harness.db.value("payment", "state", charge_id=second) == "paid"
    # An answer that is lost: the next try hears that it is done.
    harness.telegram.faults.drop("refundStarPayment", after=True)
    admin.send(f"/refund {second}")
    admin.wait("Вернулось 90 ⭐")
    # Telegram gives Stars back by itself, when all is spent.
    harness.db.change("user", {"id": 1}, balance=100)
    mark = person.chat.revision
    harness.telegram.api.refund(third)
    assert "Снято 100 токенов" in person.wait("Вам вернулось", since=mark).text
    until(harness.settled)
    assert harness.db.balance() == 0 and harness.db.value("user", "bought", id=1) == 0
    assert harness.app is not None
    harness.app.analytics.flush()
    admin.send("/stats")
    sold = admin.wait("Продано за звёзды").text.replace("\N{NO-BREAK SPACE}", " ")
    assert "3 раза, 150 000 токенов, 270 ⭐, из них возвращено 270 ⭐" in sold
    assert "покупки за звёзды: 3" in sold
    metrics = requests.get(f"http://127.0.0.1:{harness.app.watch.port}/metrics", timeout=10).text
    for line in ("payments_total 3.0", 'stars_total{way="refunded"} 270.0', "tokens_sold_total 150000.0"):
        assert f"coauthor_{line}" in metrics
    kept = data_of(harness, person)["payments"]
    assert [(one["stars"], one["state"], one["taken_back"]) for one in kept][-1] == (90, "refunded", 100)


def test_a_subscription_that_telegram_refunds_is_not_charged_again(make_harness: Maker) -> None:
    harness = make_shop(make_harness)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    admin.send("/start")
    wait_links(harness)
    assert pay(person, link_of(person)).ok
    person.wait("Прибавилось 100")
    charge_id, charge = next(iter(harness.telegram.state.shop["charges"].items()))
    # What the payer has cancelled before is no news when a refund is refused.
    harness.telegram.api.set_cancelled(1, True)
    person.wait("больше не продлится")
    mark = person.chat.revision
    harness.telegram.faults.refuse("refundStarPayment", 400, "Bad Request: BALANCE_TOO_LOW")
    admin.send(f"/refund {charge_id}")
    admin.wait("не вернул")
    until(harness.settled)
    assert not [message for message in person.bot_messages if message.revision > mark]
    harness.telegram.api.set_cancelled(1, False)
    person.wait("снова продлевается")
    harness.telegram.api.refund(charge_id)
    assert "Подписка" not in person.wait("Вам вернулось").text
    person.wait("Подписка отменена: звёзды за неё больше не спишутся.", since=0)
    assert charge.get("cancelled") and harness.db.value("payment", "renews") == 0
    # Telegram refuses to cancel one: its payer isn't told that it has ended, and it isn't asked for again.
    assert pay(person, link_of(person)).ok
    person.wait("Прибавилось 100")
    until(harness.settled)
    mark = person.chat.revision
    harness.telegram.faults.refuse("editUserStarSubscription", 400, "Bad Request: CHARGE_ID_INVALID")
    admin.send(f"/refund {harness.db.last('payment', 'charge_id')}")
    admin.wait("Вернулось")
    until(harness.settled)
    assert [
        message.text for message in person.bot_messages if message.revision > mark and "отменена" in message.text
    ] == []
    assert len(harness.telegram.called("editUserStarSubscription")) == 2


def test_a_refund_that_is_killed_on_its_way_ends_after_the_restart(make_harness: Maker) -> None:
    harness = make_shop(make_harness)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    assert pay(person, invoice_for(person)).ok
    until(lambda: harness.db.count("payment") == 1)
    charge = harness.db.value("payment", "charge_id")
    harness.telegram.faults.refuse("refundStarPayment", 500, times=1000)
    admin.send(f"/refund {charge}")
    admin.wait("Прошу Telegram")
    until(lambda: harness.telegram.called("refundStarPayment"))
    assert harness.db.balance() == 30_000 and harness.db.value("payment", "state") == "refunding"
    admin.send(f"/refund {charge}")  # asked again: nothing is taken twice
    admin.wait("Прошу Telegram", since=admin.last.revision)
    harness.stop(0.0)
    harness.telegram.faults.clear()
    harness.start()
    person.wait("Вам вернулось 90 ⭐", since=0)
    until(harness.settled)
    assert harness.db.balance() == 30_000 and harness.db.value("payment", "state") == "refunded"
    assert len([message for message in person.bot_messages if "Вам вернулось" in message.text]) == 1


def test_a_refund_that_is_refused_gives_the_tokens_back_to_who_was_forgotten_since(make_harness: Maker) -> None:
    harness = make_shop(make_harness)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    assert pay(person, invoice_for(person)).ok
    until(lambda: harness.db.balance() == 80_000)
    harness.telegram.faults.hang("refundStarPayment", 60)
    admin.send(f"/refund {harness.db.value('payment', 'charge_id')}")
    admin.wait("Прошу Telegram")
    person.send("/forget_me")
    person.tap("🗑 Удалить всё", person.wait("Удалить всё навсегда?"))
    person.wait("больше не помню")
    harness.telegram.state.shop["charges"].clear()  # Telegram knows of no such charge any more
    harness.telegram.faults.clear()
    admin.wait("не вернул")
    person.send("/start")
    until(lambda: harness.db.count("user", id=1))
    assert harness.db.balance() == 80_000 and harness.db.value("user", "bought", id=1) == 50_000


def test_what_was_refunded_before_it_came_is_not_credited(make_harness: Maker) -> None:
    harness = make_shop(make_harness)
    person = harness.new_person()
    update = payment_update("once:50000:90", 90)
    refunded = {**update["message"], "refunded_payment": update["message"]["successful_payment"]}
    del refunded["successful_payment"]
    harness.telegram.raw_update({"message": refunded})
    harness.telegram.raw_update(update)
    until(lambda: harness.db.count("payment") == 1 and harness.settled())
    assert harness.db.balance() == 30_000
    harness.telegram.raw_update({"subscription": {"user": {"id": 1, "is_bot": False, "first_name": "А"}}})
    harness.telegram.raw_update({"pre_checkout_query": {"id": "7"}})
    harness.telegram.raw_update({"message": {**update["message"], "successful_payment": {"currency": 7}}})
    person.send("/help")
    person.wait("Мы пишем историю")


def test_what_an_admin_asks_for_in_a_topic_is_answered_there(make_harness: Maker) -> None:
    harness = make_shop(make_harness, reads_list=True)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    admin.send("/start")
    wait_links(harness)
    topic = admin.new_topic("Касса")

    def answered(command: str, words: str) -> None:
        mark = admin.chat.revision
        topic.send(command)
        assert topic.wait(words, since=mark).topic_id == topic.topic_id

    answered("/payments", "Сверил. В списке")
    harness.telegram.faults.refuse("getStarTransactions", 400, "Bad Request: BOT_INVALID")
    answered("/payments", "Telegram не показал список")
    assert pay(person, invoice_for(person)).ok
    person.wait("Прибавилось 50")
    charge = harness.db.value("payment", "charge_id")
    harness.telegram.faults.refuse("refundStarPayment", 400, "Bad Request: BALANCE_TOO_LOW")
    answered(f"/refund {charge}", "не вернул")
    # Telegram's message about the refund comes before the answer to its call.
    harness.telegram.faults.drop("refundStarPayment", after=True)
    answered(f"/refund {charge}", "Вернулось 90 ⭐")
    assert pay(person, link_of(person)).ok
    person.wait("Прибавилось 100")
    harness.telegram.faults.refuse("editUserStarSubscription", 400, "Bad Request: CHARGE_ID_INVALID")
    harness.telegram.faults.refuse("refundStarPayment", 500, times=1000)
    charge = harness.db.last("payment", "charge_id")
    answered(f"/refund {charge}", "не отменил подписку")
    until(lambda: harness.telegram.called("refundStarPayment"))
    harness.stop(0.0)
    harness.telegram.faults.clear()
    mark = admin.chat.revision
    harness.start()
    assert topic.wait("Вернулось 150 ⭐", since=mark).topic_id == topic.topic_id
    until(harness.settled)
    # Another call about the same payment, which was asked for elsewhere, still waits.
    assert pay(person, link_of(person)).ok
    person.wait("Прибавилось 100")
    harness.telegram.faults.refuse("editUserStarSubscription", 500, times=1000)
    admin.send("/ban 1")
    until(lambda: harness.db.count("outbox", method="editUserStarSubscription"))
    answered(f"/refund {harness.db.last('payment', 'charge_id')}", "Вернулось 150 ⭐")
    harness.telegram.faults.clear()
    assert not [message for message in person.bot_messages if message.topic_id]
