"""What is measured while the bot works: one method an event, which does nothing here.

Objects report events to the `Metrics` they were given. This one counts nothing; with METRICS_PORT set
`monitoring.prometheus` replaces it. No method may raise, wait or take longer than microseconds: turns call them.
"""

from __future__ import annotations

from typing import Final

from core.schemas import Usage


class Metrics:
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


SILENT: Final = Metrics()
