"""Implement the Bot API's methods for payments in Telegram Stars, and what Telegram does between them.

Invoices as messages and as links, the question before a payment with its ten seconds, the payment, refunds, and
subscriptions that renew. Refusals are worded as Telegram words them. A payment's message is delivered twice, under two
update ids: a bot must credit it once. `sandbox/buyer.py` plays the users, whose Stars are not real.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

from sandbox.telegram_json import add_service_message, chat_json, message_json, user_json
from sandbox.telegram_profile import TOO_OLD, ApiError, ProfileMethods
from sandbox.telegram_state import BOT_ID, Chat, ChatMessage, Json, State

CURRENCY: Final = "XTR"
MONTH_S: Final = 2_592_000
MOST_STARS: Final = 10_000
PAYLOAD_BYTES: Final = 128
ANSWER_WITHIN_S: Final = 10.0
LINK: Final = "https://t.me/$"


@dataclass(slots=True)
class Checkout:
    """The question before a payment. `ok` is None until the bot has answered."""

    user_id: int
    slug: str
    asked_at: float
    ok: bool | None = None
    error: str = ""


class PaymentMethods(ProfileMethods, ABC):
    """The methods for payments. `redelivers`: each payment's message comes twice."""

    bot: Any

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.redelivers = True
        self.checkouts: dict[str, Checkout] = {}

    @abstractmethod
    def _chat(self, values: Json) -> Chat: ...

    @abstractmethod
    def _topic(self, chat: Chat, values: Json) -> int: ...

    @abstractmethod
    def _reply_to(self, chat: Chat, values: Json) -> int | None: ...

    # Invoices

    def _sendInvoice(self, values: Json) -> Json:
        with self.state.lock:
            chat = self._chat(values)
            slug = self._new_invoice(values)
            invoice = self.state.shop["invoices"][slug]
            shown = {name: invoice[name] for name in ("title", "description", "currency", "total_amount")}
            more: Json = {"invoice": {**shown, "start_parameter": values.get("start_parameter", "")}}
            if topic_id := self._topic(chat, values):
                more |= {"message_thread_id": topic_id, "is_topic_message": True}
            message = ChatMessage(
                id=0,
                chat_id=chat.id,
                sender_id=BOT_ID,
                from_bot=True,
                date=int(self.state.clock()),
                text="",
                markup=_with_pay_button(values.get("reply_markup"), invoice["total_amount"]),
                reply_to=self._reply_to(chat, values),
                more=more,
            )
            message = self.state.add_message(chat, message)
            self.state.shop["messages"][f"{chat.id}:{message.id}"] = slug
            return message_json(self.state, self.bot, chat, message)

    def _createInvoiceLink(self, values: Json) -> str:
        with self.state.lock:
            period = values.get("subscription_period", 0)
            if period and (period != MONTH_S or values["currency"] != CURRENCY):
                raise ApiError(400, "Bad Request: SUBSCRIPTION_PERIOD_INVALID")
            return f"{LINK}{self._new_invoice(values)}"

    def _new_invoice(self, values: Json) -> str:
        """Check and store an invoice; return the name that its link has."""
        amounts = [price["amount"] for price in values["prices"]]
        if values["currency"] != CURRENCY:  # no provider is connected to this bot
            raise ApiError(400, "Bad Request: PAYMENT_PROVIDER_INVALID")
        if len(amounts) != 1 or values.get("provider_token") or values.get("max_tip_amount"):
            raise ApiError(400, "Bad Request: STARS_INVOICE_INVALID")
        if not 1 <= amounts[0] <= MOST_STARS:
            raise ApiError(400, "Bad Request: CURRENCY_TOTAL_AMOUNT_INVALID")
        if not 1 <= len(values["payload"].encode()) <= PAYLOAD_BYTES:
            raise ApiError(400, "Bad Request: INVOICE_PAYLOAD_INVALID")
        slug = self.state.serial("invoice")
        self.state.shop["invoices"][slug] = {
            "title": values["title"],
            "description": values["description"],
            "currency": CURRENCY,
            "total_amount": amounts[0],
            "payload": values["payload"],
            "period": values.get("subscription_period", 0),
        }
        self.state.dirty = True
        return slug

    # Payments

    def ask(self, user_id: int, slug: str) -> Checkout:
        """Send the question before a payment to the bot."""
        with self.state.lock:
            invoice = self.state.shop["invoices"][slug]
            query_id = str(user_id * 4_294_967_296 + int(self.state.serial("")))
            checkout = self.checkouts[query_id] = Checkout(user_id, slug, self.state.clock())
            value: Json = {
                "id": query_id,
                "from": user_json(self.state.users[user_id]),
                "currency": invoice["currency"],
                "total_amount": invoice["total_amount"],
                "invoice_payload": invoice["payload"],
            }
            self.state.add_update("pre_checkout_query", value)
            return checkout

    def _answerPreCheckoutQuery(self, values: Json) -> bool:
        with self.state.lock:
            checkout = self.checkouts.get(values["pre_checkout_query_id"])
            if not values["ok"] and not values.get("error_message"):
                raise ApiError(400, 'Bad Request: parameter "error_message" is required')
            late = checkout is None or self.state.clock() - checkout.asked_at > ANSWER_WITHIN_S
            if checkout is None or checkout.ok is not None or late:
                raise ApiError(400, TOO_OLD)
            checkout.ok, checkout.error = values["ok"], values.get("error_message", "")
            if checkout.ok:
                self._charge(checkout.user_id, checkout.slug, first=True)
            self.state.touch(self.state.chats[checkout.user_id], "action")
            return True

    def _charge(self, user_id: int, slug: str, *, first: bool) -> None:
        """Take a user's Stars, and tell the bot."""
        invoice, shop = self.state.shop["invoices"][slug], self.state.shop
        charge_id, first_id = self.state.serial("stxCharge"), ""
        expires = int(self.state.clock()) + invoice["period"] if invoice["period"] else 0
        if not first:
            last = self._last_months(user_id)[slug]
            first_id, expires = last.get("first", ""), last["expires"] + invoice["period"]
        charge = {"user": user_id, "slug": slug, "expires": expires, "state": "paid", "first": first_id or charge_id}
        shop["charges"][charge_id] = charge
        self._list(charge_id, refund=False)
        shop["stars"][str(user_id)] = self.stars_of(user_id) - invoice["total_amount"]
        paid = {
            "currency": invoice["currency"],
            "total_amount": invoice["total_amount"],
            "invoice_payload": invoice["payload"],
            "telegram_payment_charge_id": charge_id,
            "provider_payment_charge_id": f"{user_id}_0",
        }
        if expires:
            paid |= {"subscription_expiration_date": expires, "is_recurring": True}
            paid |= {"is_first_recurring": True} if first else {}
        self._happens(user_id, {"successful_payment": paid}, times=2 if self.redelivers else 1)

    def _happens(self, user_id: int, service: Json, *, times: int) -> None:
        """Add a service message to a user's private chat, and deliver it so many times."""
        chat = self.state.chats[user_id]
        value = add_service_message(self.state, self.bot, chat, service, sender_id=user_id)
        for _ in range(times):
            self.state.add_update("message", {**value, "chat": chat_json(self.state, chat)})

    def stars_of(self, user_id: int) -> int:
        """Return how many Stars a user has."""
        return int(self.state.shop["stars"].get(str(user_id), self.state.shop["given"]))

    # Refunds and subscriptions

    def _refundStarPayment(self, values: Json) -> bool:
        with self.state.lock:
            charge = self._charge_of(values)
            if charge["state"] == "refunded":
                raise ApiError(400, "Bad Request: CHARGE_ALREADY_REFUNDED")
            self.refund(values["telegram_payment_charge_id"])
            return True

    def refund(self, charge_id: str) -> None:
        """Give a charge's Stars back, as Telegram may do without the bot, and tell the bot."""
        with self.state.lock:
            charge = self.state.shop["charges"][charge_id]
            invoice = self.state.shop["invoices"][charge["slug"]]
            charge["state"] = "refunded"
            self._list(charge_id, refund=True)
            self.state.shop["stars"][str(charge["user"])] = self.stars_of(charge["user"]) + invoice["total_amount"]
            refunded = {
                "currency": invoice["currency"],
                "total_amount": invoice["total_amount"],
                "invoice_payload": invoice["payload"],
                "telegram_payment_charge_id": charge_id,
            }
            self._happens(charge["user"], {"refunded_payment": refunded}, times=1)

    def _editUserStarSubscription(self, values: Json) -> bool:
        with self.state.lock:
            charge = self._charge_of(values)
            if not charge["expires"]:
                raise ApiError(400, "Bad Request: SUBSCRIPTION_NOT_FOUND")
            for one in self.state.shop["charges"].values():
                if one["user"] == charge["user"] and one.get("first") == charge.get("first"):
                    one["cancelled"] = values["is_canceled"]
            self.state.dirty = True
            return True

    def _list(self, charge_id: str, *, refund: bool) -> None:
        listed = {"charge": charge_id, "date": int(self.state.clock()), "refund": refund}
        self.state.shop.setdefault("transactions", []).append(listed)

    def _getStarTransactions(self, values: Json) -> Json:
        with self.state.lock:
            first, number = max(0, values.get("offset", 0)), min(max(1, values.get("limit", 100)), 100)
            listed = self.state.shop.get("transactions", [])[first : first + number]
            return {"transactions": [self._transaction(one) for one in listed]}

    def _transaction(self, listed: Json) -> Json:
        charge = self.state.shop["charges"][listed["charge"]]
        invoice, user = self.state.shop["invoices"][charge["slug"]], user_json(self.state.users[charge["user"]])
        partner: Json = {"type": "user", "transaction_type": "invoice_payment", "user": user}
        partner |= {"invoice_payload": invoice["payload"]}
        partner |= {"subscription_period": invoice["period"]} if invoice["period"] else {}
        value = {"id": listed["charge"], "amount": invoice["total_amount"], "date": listed["date"]}
        return value | {"receiver" if listed["refund"] else "source": partner}

    def _charge_of(self, values: Json) -> Json:
        if values["user_id"] not in self.state.users:
            raise ApiError(400, "Bad Request: user not found")
        charge: Json | None = self.state.shop["charges"].get(values["telegram_payment_charge_id"])
        if charge is None or charge["user"] != values["user_id"]:
            raise ApiError(400, "Bad Request: CHARGE_NOT_FOUND")
        return charge

    def subscriptions_of(self, user_id: int) -> list[Json]:
        """Return the last charge of each subscription of a user that wasn't refunded."""
        return [charge for charge in self._last_months(user_id).values() if charge["state"] == "paid"]

    def _last_months(self, user_id: int) -> dict[str, Json]:
        """Return the last charge of each invoice that a user has subscribed to."""
        charges = self.state.shop["charges"].values()
        return {one["slug"]: one for one in charges if one["user"] == user_id and one["expires"]}

    def renew(self, user_id: int) -> None:
        """Let a month pass: take the Stars of every subscription that goes on, or report that they are missing."""
        with self.state.lock:
            for charge in self.subscriptions_of(user_id):
                if charge.get("cancelled"):
                    continue
                if self.stars_of(user_id) < self.state.shop["invoices"][charge["slug"]]["total_amount"]:
                    self._tell_subscription(charge, "failed")
                else:
                    self._charge(user_id, charge["slug"], first=False)

    def set_cancelled(self, user_id: int, cancelled: bool) -> None:
        """Cancel every subscription of a user as they do it in Telegram's settings, or take them up again."""
        with self.state.lock:
            for charge in self.subscriptions_of(user_id):
                if bool(charge.get("cancelled")) != cancelled:
                    charge["cancelled"] = cancelled
                    self._tell_subscription(charge, "canceled" if cancelled else "active")
            self.state.touch(self.state.chats[user_id], "chat")

    def _tell_subscription(self, charge: Json, state: str) -> None:
        invoice = self.state.shop["invoices"][charge["slug"]]
        user = user_json(self.state.users[charge["user"]])
        value = {"user": user, "invoice_payload": invoice["payload"], "state": state}
        self.state.add_update("subscription", value)


def _with_pay_button(markup: Json | None, stars: int) -> Json:
    """Return the keyboard of an invoice: Telegram adds the button to pay, unless the bot has one in the first place."""
    if not markup:
        return {"inline_keyboard": [[{"text": f"⭐ {stars}", "pay": True}]]}
    rows = markup.get("inline_keyboard") or [[{}]]
    if not rows[0] or not rows[0][0].get("pay"):
        raise ApiError(400, "Bad Request: REPLY_MARKUP_BUY_EMPTY")
    return markup
