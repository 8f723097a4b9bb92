"""A subscription is sold once at a time; its refund and /forget_me say that it ends."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from core.days import DAY_S
from core.star_packs import MONTH_S
from sandbox.buyer import pay
from sandbox.users import ChatUser
from tests.harness import ADMIN_ID, BotHarness, until
from tests.paying import link_of, make_shop, payment_update, wait_links


def subscriber(harness: BotHarness) -> tuple[ChatUser, str]:
    """Return Anna, who has paid a first month, and the link by which she did."""
    person = harness.new_person()
    wait_links(harness)
    link = link_of(person)
    assert pay(person, link).ok
    person.wait("Прибавилось 100")
    return person, link


def test_a_subscription_that_goes_on_is_not_sold_twice_and_its_refund_says_that_it_ends(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_shop(make_harness)
    person, link = subscriber(harness)
    again = pay(person, link)
    assert not again.ok and "Такая подписка у вас уже есть" in again.error
    assert harness.db.count("payment") == 1
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?").text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Купленное (100 000 токенов) дождётся вас, если вы вернётесь. Подписка отменится.\n" in asked
    harness.telegram.api.set_cancelled(1, True)  # one that ends may be bought anew
    person.wait("больше не продлится")
    assert pay(person, link).ok
    person.wait("Прибавилось 100")
    mark = person.chat.revision
    harness.telegram.api.refund(harness.db.last("payment", "charge_id"))
    person.wait("Подписка больше не продлится. Она оплачена до", since=mark)  # the first month is


def test_a_subscription_ends_although_telegram_refuses_the_refund_and_an_earlier_month_ends_a_resumed_one(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_shop(make_harness)
    (person, link), admin = subscriber(harness), harness.new_person(ADMIN_ID)
    charge = harness.db.value("payment", "charge_id")
    harness.telegram.api.renew(1)
    day = person.wait("Подписка продлена до").text.partition("до ")[2].partition(":")[0]
    harness.telegram.faults.refuse("refundStarPayment", 400, "Bad Request: BALANCE_TOO_LOW")
    admin.send(f"/refund {charge}")
    admin.wait("не вернул")
    person.wait(f"больше не продлится. Она оплачена до {day},")
    assert set(harness.db.values("payment", "renews")) == {0} and harness.db.balance() == 230_000
    # Taken up again and renewed, it ends with the refund of its first month.
    harness.telegram.api.set_cancelled(1, False)
    person.wait("снова продлевается")
    harness.telegram.api.renew(1)
    person.wait("Подписка продлена до")
    harness.telegram.api.set_cancelled(1, True)
    person.wait("больше не продлится")
    harness.telegram.api.set_cancelled(1, False)
    person.wait("снова продлевается")
    mark = person.chat.revision
    harness.telegram.api.refund(charge)
    person.wait("больше не продлится. Она оплачена до", since=mark)
    until(lambda: harness.telegram.api.subscriptions_of(1)[0].get("cancelled"))
    until(lambda: set(harness.db.values("payment", "renews")) == {0})
    # One message says that the Stars are back and that the subscription has ended.
    assert pay(person, link).ok
    person.wait("Прибавилось 100")
    until(harness.settled)
    mark = person.chat.revision
    admin.send(f"/refund {harness.db.last('payment', 'charge_id')}")
    person.wait("Подписка отменена: звёзды за неё больше не спишутся.", since=mark)
    until(harness.settled)
    assert len([message for message in person.bot_messages if message.revision > mark]) == 1
    # Telegram refuses to cancel it: the admins are told, and the profile says so.
    assert pay(person, link).ok
    person.wait("Прибавилось 100")
    harness.telegram.faults.refuse("editUserStarSubscription", 400, "Bad Request: CHARGE_ID_INVALID")
    admin.send("/ban 1")
    charge = harness.db.last("payment", "charge_id")
    assert f"по платежу {charge}: " in (told := admin.wait("не отменил подписку").text) and "id 1." in told
    assert "звёзды спишутся снова. Вернуть их: /refund НОМЕР, а" in told and "Через" not in told
    assert harness.db.value("payment", "renews", charge_id=charge) == 1
    # The next month is paid although the user is banned: the subscription is cancelled after it.
    harness.telegram.faults.clear()
    harness.telegram.api.renew(1)
    until(lambda: harness.db.last("payment", "charge_id") != charge)
    until(lambda: not any(harness.db.values("payment", "renews")))
    until(lambda: all(one.get("cancelled") for one in harness.telegram.api.subscriptions_of(1)))


def test_of_two_subscriptions_of_a_pack_the_profile_shows_that_which_goes_on_and_a_ban_ends_both(
    make_harness: Callable[..., BotHarness], caplog: pytest.LogCaptureFixture
) -> None:
    harness = make_shop(make_harness)
    (person, link), admin = subscriber(harness), harness.new_person(ADMIN_ID)
    first, payload = harness.db.value("payment", "charge_id"), harness.db.value("payment", "payload")
    harness.telegram.api.set_cancelled(1, True)
    person.wait("больше не продлится")
    now = int(time.time())
    harness.db.change("payment", {"charge_id": first}, until=now + 20 * DAY_S)
    assert pay(person, link).ok
    person.wait("Прибавилось 100")
    second = harness.db.last("payment", "charge_id")
    # The first one is taken up again, and the wrong one is thought to be cancelled.
    anna = {"id": 1, "first_name": "Анна", "is_bot": False}
    for state, words in (("active", "снова продлевается"), ("canceled", "больше не продлится")):
        harness.telegram.raw_update({"subscription": {"user": anna, "invoice_payload": payload, "state": state}})
        person.wait(words)
    assert harness.db.value("payment", "renews", charge_id=first) == 1
    person.send("/balance")
    shown = person.wait("Осталось").text
    assert "следующее списание" in shown and "сама не продлится" not in shown
    again = pay(person, link)
    assert not again.ok and "Такая подписка у вас уже есть" in again.error
    harness.telegram.raw_update({"subscription": {"user": anna, "invoice_payload": payload, "state": "active"}})
    person.wait("снова продлевается")
    mark = person.chat.revision
    harness.telegram.api.refund(first)  # the second one goes on
    person.wait("Подписка отменена: звёзды за неё больше не спишутся.", since=mark)
    harness.telegram.faults.refuse("editUserStarSubscription", 400, "Bad Request: CHARGE_ID_INVALID", times=2)
    admin.send("/ban 1")
    admin.wait(f"по платежу {second}: ")
    until(lambda: f"charge={first}" in caplog.text.partition("subscription_not_cancelled")[2])
    assert [harness.db.value("payment", "renews", charge_id=one) for one in (first, second)] == [0, 1]
    # One that is thought to be cancelled is cancelled with its refund all the same.
    admin.send("/unban 1")
    person.wait("Доступ снова открыт")
    harness.db.change("payment", {"charge_id": first}, renews=1)
    harness.db.change("payment", {"charge_id": second}, renews=0)
    admin.send(f"/refund {second}")
    admin.wait(f"Вернулось 150 ⭐ за платёж {second}")
    assert harness.telegram.api.subscriptions_of(1) == []
    assert harness.telegram.state.shop["charges"][second]["cancelled"]
    # A month that is paid in spite of the ban isn't said to be followed by others.
    harness.db.change("user", {"id": 1}, banned=1)
    mark = person.chat.revision
    more = {"subscription_expiration_date": now + MONTH_S, "is_recurring": True, "is_first_recurring": True}
    harness.telegram.raw_update(payment_update(payload, 150, **more))
    assert "30 дней" not in person.wait("Прибавилось 100", since=mark).text
