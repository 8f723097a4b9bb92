"""What a supervisor is told: systemd's notify protocol, as far as a service of `Type=notify` with a watchdog needs it.

Three datagrams to a socket: ready, alive, stopping. Without systemd (`NOTIFY_SOCKET` unset) nothing is sent. Who calls
`alive` decides what being alive means; silence for `WatchdogSec` has systemd kill the process and start it again.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping

from core.logs import event

log = logging.getLogger(__name__)


class Supervisor:
    """The process's way to tell its supervisor how it is. Never raises: nobody has to listen."""

    def __init__(self, address: str = "", watchdog_s: float = 0.0) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address  # @: Linux's abstract sockets
        self.watchdog_s = watchdog_s  # of silence, until the process is killed; 0: it isn't watched

    @classmethod
    def from_env(cls, env: Mapping[str, str], pid: int) -> Supervisor:
        """What the environment of process `pid` says of its supervisor."""
        watched = env.get("WATCHDOG_PID", str(pid)) == str(pid)
        microseconds = env.get("WATCHDOG_USEC", "")
        watchdog_s = int(microseconds) / 1e6 if watched and microseconds.isdecimal() else 0.0
        return cls(env.get("NOTIFY_SOCKET", ""), watchdog_s)

    def ready(self) -> None:
        """Tells that the start is over: systemd counts the service as started."""
        self._tell("READY=1")

    def alive(self) -> None:
        """One sign of life; the next must come within `watchdog_s`."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Tells that the process is shutting down on purpose."""
        self._tell("STOPPING=1")

    def _tell(self, what: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(1.0)
                sock.sendto(what.encode(), self._address)
        except OSError as error:
            event(log, logging.WARNING, "supervisor_unreachable", message=what, error=str(error))
