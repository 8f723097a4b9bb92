"""Whether this machine's clock is right, by the header Date of a server's answers.

A wrong clock makes certificates, IAM tokens and the signatures of the Web App invalid, each with an error that doesn't
name it.
"""

from __future__ import annotations

import logging
import math
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Final

from core.logs import event

TOLERATED_S: Final = 60.0
LOOK_EVERY_S: Final = 60.0
HINT: Final = "set it, for example by `timedatectl set-ntp true`"
_NOT_YET, _NO_LONGER = 9, 10  # OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED

log = logging.getLogger(__name__)


class ServerClock:
    """Compares this machine's clock with a server's; logs when it goes wrong and when it is right again. Thread-safe.

    `behind_s`: by how much this machine's is behind, negative if it is ahead; None if the server hasn't told the time.
    """

    def __init__(self, whose: str, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self.behind_s: float | None = None
        self._whose, self._look_every_s = whose, look_every_s
        self._looked_at = -math.inf

    def heard(self, date: str) -> None:
        """Take the header Date of an answer that has just come. Most calls cost nothing: one a minute is read."""
        now = time.monotonic()
        if now - self._looked_at < self._look_every_s or not date:
            return
        try:
            behind_s = parsedate_to_datetime(date).timestamp() - time.time()
        except (ValueError, OverflowError):
            return
        self._looked_at = now
        before, self.behind_s = self.problem(), behind_s
        if (problem := self.problem()) and not before:
            event(log, logging.WARNING, "clock_wrong", problem=problem, hint=HINT)
        elif before and not problem:
            event(log, logging.INFO, "clock_right")

    def problem(self) -> str:
        """Return what is wrong with this machine's clock, in a few words; empty if nothing is, or if it isn't known."""
        if self.behind_s is None or abs(self.behind_s) <= TOLERATED_S:
            return ""
        side = "behind" if self.behind_s > 0 else "ahead of"
        return f"this machine's clock is {abs(self.behind_s):.0f} s {side} {self._whose}"


def certificate_hint(error: Exception) -> str:
    """Return what to add to an error about a certificate's dates: the time of this machine; else an empty text."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in (_NOT_YET, _NO_LONGER):
        return f"; or this machine's clock is wrong: it says {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC"
    return ""
