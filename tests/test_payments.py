"""Buying tokens for Telegram Stars: packs, invoices, the question before a payment, credit, refunds, subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from conversation.localization import Locales
from core.errors import ConfigError
from database import AT_ONCE
from sandbox.buyer import invoice_of, pay
from telegram.chat_queue import ChatQueues
from telegram.dispatcher import Dispatcher
from telegram.failure_notices import FailureNotices
from telegram.polling import ALLOWED_UPDATES
from telegram.update_result import UpdateResult
from tests.harness import ADMIN_ID, ROOT, BotHarness, until
from tests.paying import SHOP, invoice_for, link_of, make_shop, payment_update, wait_links
from tests.test_admin import press_of
from tests.test_chat_queue import row, taken
from tests.test_ledger import config

Maker = Callable[..., BotHarness]


def test_a_pack_is_bought_from_the_profile_and_credited_once_although_its_payment_is_delivered_twice(
    make_harness: Maker,
) -> None:
    harness = make_shop(make_harness)
    person = harness.new_person()
    person.press("👤 Профиль")
    profile = person.wait("Осталось")
    assert "Из них куплено" not in profile.text
    person.tap("⭐ Купить", profile)
    packs = person.wait("Токены за звёзды")
    assert "Если взять 50 000 токенов, хватит примерно на 21 ход." in packs.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "⭐" not in packs.text.partition("\n")[2]  # prices stand on the buttons alone
    invoice = invoice_for(person)
    assert invoice_of(person, invoice)["payload"] == "once:50000:90"
    assert invoice.labels == ("⭐ 90",)
    assert pay(person, invoice).ok
    said = person.wait("Прибавилось").text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Прибавилось 50 000 токенов, теперь у вас ≈ 33 хода (80 000 токенов)" in said
    until(harness.settled)
    assert len([message for message in person.bot_messages if "Прибавилось" in message.text]) == 1
    assert harness.db.balance() == 80_000 and harness.db.value("user", "bought", id=1) == 50_000
    charge = harness.db.value("payment", "charge_id")
    assert charge in said
    assert pay(person, invoice).ok  # bought again with the same invoice: another charge
    until(lambda: harness.db.balance() == 130_000)
    person.send("/balance")
    assert "Из них куплено: 100" in person.wait("Осталось").text
    person.send("/paysupport")
    support = person.wait("Вопросы об оплате").text
    assert "@seller" in support and support.count(", номер ") == 2 and charge in support
    person.send("/terms")
    assert "@seller" in person.wait("Условия покупки").text


def test_nothing_is_said_of_stars_unless_they_are_configured(harness: BotHarness) -> None:
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    for command in ("/terms", "/paysupport"):
        person.send(command)
        assert "Такой команды" in person.wait().text
    admin.send("/refund charge")
    assert "Такой команды" in admin.wait().text
    for command, words in (("/info", "Соавтор"), ("/help", "Мы пишем"), ("/balance", "Осталось"), ("/stats", "Весь")):
        admin.send(command)
        admin.wait(words)
    person.press("👤 Профиль")
    person.wait("Осталось")
    until(harness.settled)
    shown = [*person.bot_messages, *admin.bot_messages]
    assert not [message for message in shown if "⭐" in message.text + "".join(message.labels)]
    assert not harness.telegram.called("createInvoiceLink")
    # A payment of an invoice that is older than the switch is money all the same.
    harness.telegram.raw_update(payment_update("once:50000:90", 90))
    person.wait("Прибавилось")
    person.send("/paysupport")
    assert "администратору этого бота" in person.wait("Вопросы об оплате").text


def test_a_used_up_balance_offers_to_buy_and_the_bought_tokens_write_on(make_harness: Maker) -> None:
    harness = make_shop(make_harness, USER_TOKENS=2000)
    admin, person = harness.new_person(ADMIN_ID), harness.at_summary()
    admin.send("/balance")
    assert "⭐ Купить" not in admin.wait("без ограничений").labels
    harness.db.change("user", {"id": 1}, balance=10)
    person.press("✨ Начать историю")
    refused = person.wait("⭐ Купить")
    assert refused.labels == ("⭐ Купить", "🙋 Попросить ещё")
    assert pay(person, invoice_for(person)).ok
    person.wait("Прибавилось")
    person.press("✨ Начать историю")
    harness.says("Начало.")
    person.wait("Начало.")
    until(harness.settled)
    assert harness.db.value("user", "bought", id=1) == harness.db.balance() < 50_000


def test_the_question_before_a_payment_is_answered_while_the_chat_writes_and_refused_in_words(
    make_harness: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    harness = make_shop(make_harness)
    person = harness.writer()
    wait_links(harness)
    once, invoice = link_of(person), invoice_for(person)
    released = harness.holds("Дальше.")
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    person.send("Слова, которые ждут.")
    person.wait("Я ещё пишу")
    assert pay(person, invoice).ok
    released.set()
    person.wait("Дальше.", since=0)
    # A chat that Telegram tells to wait holds no answer back; neither does an answer that is lost on the way.
    harness.telegram.faults.refuse("sendMessage", 429, retry_after=2)
    person.send("/help")
    until(lambda: "send_rate_limited" in caplog.text)
    assert pay(person, invoice).ok
    assert not [message for message in person.bot_messages if "Мы пишем историю" in message.text]
    harness.telegram.faults.drop("answerPreCheckoutQuery", after=True)
    assert pay(person, invoice).ok
    harness.db.change("budget", spent=10**6)
    exhausted = pay(person, invoice)
    assert not exhausted.ok and "лимит бота" in exhausted.error
    harness.settings["STARS_PACKS"] = "10"  # a pack that is enough for no turn
    harness.restart()
    person.send("/balance")
    person.tap("⭐ Купить", person.wait("Осталось"))
    packs = person.wait("Токены за звёзды").text
    assert "хватит" not in packs and "\n\n\n" not in packs
    for forged in ("buy:once:50000:90", "buy:month:100000:150", "buy:1"):
        harness.telegram.raw_update({"callback_query": press_of(person, forged)})
    until(lambda: len(harness.telegram.called("answerCallbackQuery")) >= 3 and harness.settled())
    assert not [call for call in harness.telegram.called("sendInvoice") if "month" in call.params["payload"]]
    harness.telegram.api.violations.clear()  # a forged press has no true id to answer to
    changed = pay(person, invoice)
    assert not changed.ok and "больше не продаётся" in changed.error
    assert not pay(person, once).ok


def test_a_link_is_paid_by_whoever_has_it_also_by_strangers_and_not_by_banned_ones(make_harness: Maker) -> None:
    harness = make_shop(make_harness, MAX_USERS=3)
    person, banned = harness.new_person(1), harness.new_person(2)
    harness.new_person(ADMIN_ID)
    invoice = invoice_for(person)
    harness.db.change("user", {"id": 2}, banned=1)
    refused = pay(banned, link := "https://t.me/$" + next(iter(harness.telegram.state.shop["messages"].values())))
    assert not refused.ok and "закрыт" in refused.error
    banned.send("/paysupport")
    banned.wait("Вопросы об оплате")
    stranger = harness.telegram.user(3, "Emma", language_code="en")
    full = pay(stranger, link)
    assert not full.ok and "no room" in full.error
    banned.send("/forget_me")
    banned.tap("🗑 Удалить всё", banned.wait("Удалить всё навсегда?"))
    banned.wait("больше не помню")
    again = pay(banned, link)  # they would be banned again on their return
    assert not again.ok and "закрыт" in again.error
    assert pay(stranger, link).ok
    until(lambda: harness.db.value("user", "bought", id=3) == 50_000)
    assert harness.db.balance(1) == 30_000
    assert invoice.chat_id == 1


def test_an_answer_without_a_link_is_a_failure_and_the_link_is_asked_for_again(
    make_harness: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    harness = make_harness(**SHOP)
    harness.telegram.faults.not_json("createInvoiceLink", b'{"ok": true, "result": {"link": 1}}')
    harness.start()
    until(lambda: "invoice_link_failed pack=once:50000:90" in caplog.text)
    assert "no link in the answer" in caplog.text


def test_a_subscription_renews_is_cancelled_fails_and_ends_with_a_ban_or_a_farewell(make_harness: Maker) -> None:
    harness = make_shop(make_harness)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    wait_links(harness)
    link = link_of(person)
    assert pay(person, link).ok
    assert "каждые 30 дней" in person.wait("Прибавилось 100").text
    telegram = harness.telegram.api
    telegram.renew(1)
    person.wait("Подписка продлена до")
    until(harness.settled)
    assert harness.db.count("payment") == 2 and harness.db.balance() == 230_000
    telegram.set_cancelled(1, True)
    person.wait("больше не продлится")
    person.send("/balance")
    assert "сама не продлится" in person.wait("Осталось").text
    telegram.set_cancelled(1, False)
    person.wait("снова продлевается")
    harness.telegram.state.shop["stars"]["1"] = 0
    telegram.renew(1)
    person.wait("не смог списать")
    harness.telegram.state.shop["stars"]["1"] = 1000
    assert pay(person, link).ok
    person.wait("Прибавилось 100")
    admin.send("/ban 1")
    admin.wait("закрыт")
    until(lambda: telegram.subscriptions_of(1)[0].get("cancelled"))
    admin.send("/unban 1")
    person.wait("Доступ снова открыт")
    assert pay(person, link).ok
    person.wait("Прибавилось 100")
    until(lambda: not telegram.subscriptions_of(1)[0].get("cancelled"))
    person.send("/forget_me")
    person.tap("🗑 Удалить всё", person.wait("Удалить всё навсегда?"))
    person.wait("больше не помню")
    until(lambda: telegram.subscriptions_of(1)[0].get("cancelled"))
    assert set(harness.db.values("payment", "user_id")) == {None}
    # Who paid is forgotten; the refund works with the id that the payer tells.
    charge = harness.db.last("payment", "charge_id")
    admin.send(f"/refund {charge}")
    admin.wait("Добавьте его id")
    admin.send(f"/refund {charge} 1")
    admin.wait("Вернулось 150 ⭐")
    person.send("/start")  # somebody who comes back has what they had bought, and neither spent nor had refunded
    person.wait("Кнопки под сообщением")
    assert harness.db.value("user", "bought", id=1) == 300_000


@pytest.mark.parametrize(
    ("payload", "stars", "currency"),
    [("beer", 90, "XTR"), ("once:50000:90", 1, "XTR"), ("once:50000:90", 90, "EUR")],
)
def test_a_payment_that_names_no_pack_is_kept_for_a_refund_and_told_of(
    make_harness: Maker, payload: str, stars: int, currency: str
) -> None:
    harness = make_shop(make_harness)
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    harness.telegram.raw_update(payment_update(payload, stars, currency=currency))
    assert "@seller" in person.wait("за что они, я не понял").text
    assert "/refund charge-1" in admin.wait("не зачислен").text
    assert harness.db.balance() == 30_000 and harness.db.value("payment", "stars") == stars


def broken_handler(update: object, incoming: object) -> UpdateResult:
    raise RuntimeError("a bug")


def test_a_payment_whose_handler_fails_is_kept_as_a_dead_letter_and_told_of(harness: BotHarness) -> None:
    person, admin = harness.new_person(), harness.new_person(ADMIN_ID)
    until(harness.settled)
    app = harness.app
    assert app is not None
    settings = config(ADMIN_IDS=str(ADMIN_ID))
    notices = FailureNotices(settings, app.db, Locales.load(ROOT / "locales"), app.delivery)
    broken = Dispatcher(
        db=app.db,
        chats=ChatQueues(),
        delivery=app.delivery,
        handler=broken_handler,
        carry_out=lambda effect: None,
        notices=notices,
    )
    broken.start()
    broken.keep([{"update_id": 1, **payment_update("once:50000:90", 90)}])
    assert "charge-1" in person.wait("ошибка на моей стороне").text
    assert "inbox" in admin.wait("не зачислен из-за ошибки").text
    broken.stop()
    assert "charge-1" in harness.db.value("inbox", "body", state="aside")


def test_the_question_before_a_payment_waits_for_no_update_of_its_chat() -> None:
    chats = ChatQueues()
    chats.add([row(1), row(2)])
    assert taken(chats).row.id == 1  # and isn't released
    with chats.paused(7):
        chats.add([replace(row(3), topic_id=AT_ONCE)])
        assert taken(chats).row.id == 3


def test_both_kinds_of_update_are_asked_for() -> None:
    assert {"pre_checkout_query", "subscription"} < set(ALLOWED_UPDATES)


# ---------------------------------------------------------------------- configuration


def shop(**changes: str) -> dict[str, str]:
    return {name: str(value) for name, value in SHOP.items()} | changes


def test_packs_are_priced_by_the_rate_or_have_a_price_of_their_own() -> None:
    packs = config(**shop(STARS_PACKS="1000; 50000, month:100000=150")).packs
    assert [(pack.payload) for pack in packs] == ["once:1000:2", "once:50000:90", "month:100000:150"]
    assert config().packs == () == config(STARS_PACKS="50000=1").packs


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"STARS_PACKS": "many"}, "is not a pack such as"),
        ({"STARS_PACKS": "5,5"}, "same number of tokens"),
        ({"STARS_PACKS": ",".join(map(str, range(1, 10)))}, "at most 8"),
        ({"STARS_PACKS": "900000000"}, "Telegram takes 10000 at most"),
        ({"SUPPORT_CONTACT": ""}, "SUPPORT_CONTACT: it is not set"),
        ({"STARS_PER_1000_TOKENS": "-1"}, "STARS_PER_1000_TOKENS"),
    ],
)
def test_packs_that_can_not_be_sold_are_refused(changes: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        config(**shop(**changes))
