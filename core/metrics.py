"""`Metrics`: one method an event. This one counts nothing; with METRICS_PORT set `monitoring.prometheus` replaces it.

No method may raise, wait or take longer than microseconds: turns call them.
"""

from __future__ import annotations

from typing import Final

from core.schemas import Usage


class Metrics:
    """Counts nothing."""

    def update_handled(self, verdict: str) -> None:
        """Count an update whose handler has ended: done, turn, hear, queue, failed (a bug), dead_letter."""

    def turn_ended(self, kind: str, outcome: str, seconds: float, first_text_s: float | None) -> None:
        """Count an ended turn: answered, failed, stopped. `first_text_s`: seconds to the first words of the answer."""

    def call_settled(self, usage: Usage, charged: int) -> None:
        """Count a paid call of a model or service: the vendor's figures, and what the user was charged."""

    def model_failed(self, purpose: str, status: int, healed: bool) -> None:
        """Count a failed call of a model. `status` is HTTP's, 0: no answer. `healed`: another attempt succeeded."""

    def sending_failed(self, method: str, reason: str) -> None:
        """Count a call that Telegram refused (its code) or that didn't reach it (`unreachable`)."""


SILENT: Final = Metrics()
