"""Notify systemd: ready, alive, stopping; what a service of `Type=notify` with a watchdog needs of its protocol.

Nothing is sent without systemd (`NOTIFY_SOCKET` unset). systemd restarts the process if it isn't told `alive` for
`WatchdogSec`; the caller decides what alive means.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping

from core.logs import event

log = logging.getLogger(__name__)


class Supervisor:
    """Sends notifications to the socket at `address`; sends nothing if it is empty. Never raises."""

    def __init__(self, address: str = "", watchdog_s: float = 0.0) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address  # @: Linux's abstract sockets
        self.watchdog_s = watchdog_s  # silence after which systemd restarts the process; 0: no watchdog

    @classmethod
    def from_env(cls, env: Mapping[str, str], pid: int) -> Supervisor:
        """Read address and watchdog from the environment of process `pid`."""
        watched = env.get("WATCHDOG_PID", str(pid)) == str(pid)
        microseconds = env.get("WATCHDOG_USEC", "")
        watchdog_s = int(microseconds) / 1e6 if watched and microseconds.isdecimal() else 0.0
        return cls(env.get("NOTIFY_SOCKET", ""), watchdog_s)

    def ready(self) -> None:
        """Report that the service has started."""
        self._notify("READY=1")

    def alive(self) -> None:
        """Reset the watchdog; the next call must come within `watchdog_s`."""
        self._notify("WATCHDOG=1")

    def stopping(self) -> None:
        """Report that the process ends on purpose."""
        self._notify("STOPPING=1")

    def _notify(self, what: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(1.0)
                sock.sendto(what.encode(), self._address)
        except OSError as error:
            event(log, logging.WARNING, "supervisor_unreachable", message=what, error=str(error))
