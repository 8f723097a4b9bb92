"""The Bot API's methods that `telegram/payment_calls.py` calls; the queue of messages leaves them alone."""

from __future__ import annotations

from typing import Final

ANSWER: Final = "answerPreCheckoutQuery"
REFUND: Final = "refundStarPayment"
EDIT_SUBSCRIPTION: Final = "editUserStarSubscription"
LIST: Final = "getStarTransactions"
CALLS: Final = (ANSWER, REFUND, EDIT_SUBSCRIPTION, LIST)
