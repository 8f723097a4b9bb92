"""What is measured while the bot works: one method an event, which does nothing here.

Rooms tell a `Meter` what has happened. Nobody counts unless METRICS_PORT is set: then `monitoring.prometheus` is given
in its place. No method may raise, wait or take longer than microseconds: they are called in the middle of turns.
"""

from __future__ import annotations

from typing import Final

from core.schemas import Usage


class Meter:
    """Counts nothing."""

    def update_handled(self, verdict: str) -> None:
        """An update's handler has ended: done, turn, hear, queue, failed (a bug), aside."""

    def turn_ended(self, kind: str, outcome: str, seconds: float, first_text_s: float | None) -> None:
        """A turn has ended: answered, failed, stopped. `first_text_s`: until the first words of the answer came."""

    def call_settled(self, usage: Usage, charged: int) -> None:
        """A call of a model or service was paid: the vendor's figures, and what the user paid."""

    def model_failed(self, purpose: str, status: int, healed: bool) -> None:
        """A call of a model failed; `status` is HTTP's, 0: nobody answered. `healed`: another try got through."""

    def sending_failed(self, method: str, reason: str) -> None:
        """Telegram didn't take a call: its code, or `unreachable`."""


SILENT: Final = Meter()
