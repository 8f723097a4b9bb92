"""The public server: waitress in the bot's process, with threads of its own.

It serves the Web App if `WEBAPP_URL` is set, and Telegram's webhook if `WEBHOOK_URL` is.
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
from core.schemas import Json
from database import Database
from telegram.webhook import Webhook
from web.application import make_application
from web.authentication import WebServices
from web.pictures import MOST_BYTES
from web.webhook_route import no_page, with_webhook

log = logging.getLogger(__name__)

THREADS: Final = 4
CONNECTIONS: Final = 200
SILENT_S: Final = 30  # after which a connection is closed
REQUEST_S: Final = 60.0  # after which a connection that still sends its request is closed
HEADER_BYTES: Final = 16_384
LOOP_S: Final = 5.0  # the loop's longest sleep; a stop wakes it
STOP_S: Final = 0.5


class WebApp:
    """Serves the page and the webhook on `port`. Raises `ConfigError` if it can't listen."""

    def __init__(
        self,
        config: Config,
        db: Database,
        locales: Locales,
        put: Callable[[int, str], None],
        webhook: Webhook | None = None,
        *,
        prepare: Callable[[int, Mapping[str, Json]], str] = lambda user_id, card: "",
    ) -> None:
        application: WSGIApplication = no_page
        if config.webapp_url:
            application = make_application(WebServices(config, db, locales, put, prepare))
        if webhook is not None:
            application = with_webhook(application, config.webhook_url, webhook.take)
        self._map: dict[int, Any] = {}
        self._stopping = threading.Event()
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every task that waits
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
        """Start the server's thread."""
        self._thread.start()
        event(log, logging.INFO, "web_server_started", port=self.port)

    def stop(self) -> None:
        """Take no more requests, and wait a moment for those under way."""
        self._stopping.set()
        self._server.pull_trigger()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._server.task_dispatcher.shutdown(timeout=STOP_S)
        wasyncore.close_all(self._map)

    def _run(self) -> None:
        arriving: dict[Any, float] = {}
        while not self._stopping.is_set():
            wasyncore.loop(timeout=LOOP_S, use_poll=True, map=self._map, count=1)
            channels = list(self._server.active_channels.values())
            arriving = close_slow(channels, arriving, time.monotonic(), REQUEST_S)


def close_slow(channels: Sequence[Any], arriving: Mapping[Any, float], now: float, most_s: float) -> dict[Any, float]:
    """Close the channels whose request has been arriving for longer than `most_s`.

    Returns when each unfinished request began to arrive, for the next call's `arriving`.
    """
    still = {channel.request: arriving.get(channel.request, now) for channel in channels if channel.request is not None}
    for channel in channels:
        if channel.request is not None and now - still[channel.request] > most_s:
            channel.will_close = True
    return still


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to the first address of `host`."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
