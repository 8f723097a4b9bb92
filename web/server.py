"""The public server: waitress in the bot's process, with threads of its own, started and stopped with the bot.

It has the Web App where `WEBAPP_URL` is set, and Telegram's webhook where there is one.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from wsgiref.types import WSGIApplication

from waitress import create_server, wasyncore

from config import Config
from conversation.localization import Locales
from core.errors import ConfigError
from core.logs import event
from database import Database
from telegram.webhook import Webhook
from web.application import make_application
from web.gate import Site
from web.hook import hooked, nothing_here
from web.pictures import MOST_BYTES

log = logging.getLogger(__name__)

THREADS: Final = 4
CONNECTIONS: Final = 200
SILENT_S: Final = 30  # after which a connection is closed
REQUEST_S: Final = 60.0  # after which one that still sends its request is closed: drops of it keep it from being silent
HEADER_BYTES: Final = 16_384
TURN_S: Final = 5.0  # the longest that the loop sleeps; a stop wakes it
STOP_S: Final = 0.5


class WebApp:
    """The page's and the webhook's server. Raises `ConfigError` where it can't listen; `port` is where it does."""

    def __init__(
        self,
        config: Config,
        db: Database,
        locales: Locales,
        put: Callable[[int, str], None],
        webhook: Webhook | None = None,
    ) -> None:
        application: WSGIApplication = nothing_here
        if config.webapp_url:
            application = make_application(Site(config, db, locales, put))
        if webhook is not None:
            application = hooked(application, config.webhook_url, webhook.take)
        self._map: dict[int, Any] = {}
        self._stopping = threading.Event()
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a task that waits a moment is no news
        try:
            self._socket = _listening(config.webapp_host, config.webapp_port)
        except OSError as error:
            where = f"{config.webapp_host}:{config.webapp_port}"
            raise ConfigError([f"WEBAPP_PORT: {where} can't be listened at ({error.strerror or error})."]) from error
        self.port: int = self._socket.getsockname()[1]
        self._server = create_server(
            application,
            map=self._map,
            sockets=[self._socket],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            channel_timeout=SILENT_S,
            cleanup_interval=SILENT_S // 2,
            max_request_body_size=2 * MOST_BYTES,  # up to here Flask refuses, in a sentence
            max_request_header_size=HEADER_BYTES,
            ident=None,
            expose_tracebacks=False,
            asyncore_use_poll=True,
        )
        self._thread = threading.Thread(target=self._run, name="web-app", daemon=True)

    def start(self) -> None:
        """Serves the web app from now on, in a thread of its own; logs the port."""
        self._thread.start()
        event(log, logging.INFO, "web_server_started", port=self.port)

    def stop(self) -> None:
        """Takes no more requests and waits a moment for those under way."""
        self._stopping.set()
        self._server.pull_trigger()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._server.task_dispatcher.shutdown(timeout=STOP_S)
        wasyncore.close_all(self._map)

    def _run(self) -> None:
        arriving: dict[Any, float] = {}
        while not self._stopping.is_set():
            wasyncore.loop(timeout=TURN_S, use_poll=True, map=self._map, count=1)
            channels = list(self._server.active_channels.values())
            arriving = close_slow(channels, arriving, time.monotonic(), REQUEST_S)


def close_slow(channels: Sequence[Any], arriving: Mapping[Any, float], now: float, most_s: float) -> dict[Any, float]:
    """Closes waitress' channels whose request has been arriving for longer; which requests are, and since when."""
    still = {channel.request: arriving.get(channel.request, now) for channel in channels if channel.request is not None}
    for channel in channels:
        if channel.request is not None and now - still[channel.request] > most_s:
            channel.will_close = True
    return still


def _listening(host: str, port: int) -> socket.socket:
    """A socket that is bound to the first address of `host`."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
