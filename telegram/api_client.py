"""The Bot API over HTTP: one call, its result or its error; nothing is tried twice.

Parameters go into the body: telebot would put them into the URL, 24 KB for a long message, which proxies refuse.
The token stands in no error. Doesn't cover retries, order and limits (`telegram/sender.py`).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from telebot import apihelper

from core.clock import ServerClock
from core.errors import NoAnswer, TelegramRefused, TelegramUnreachable
from core.http_client import HttpClient, Response
from core.logs import event
from core.multipart import encode_form
from core.schemas import Json
from core.sent_files import MOST_BYTES
from telegram.newer_fields import NewerFields

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 10.0
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Reply:
    """A whole HTTP answer, with the attributes that telebot reads."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status_code
        self.reason = response.reason
        self.headers = response.headers
        self.content = response.read()

    @property
    def text(self) -> str:
        """Decode the body as UTF-8, with replacement characters for bytes that aren't."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Read the body as JSON. Raise ValueError."""
        return json.loads(self.text)


class BotApi:
    """The Bot API server at `base_url`, called with the bot's token. Thread-safe.

    `fields`: what becomes of fields that the server doesn't know; None sends every call as it is.
    """

    def __init__(self, token: str, base_url: str, http: HttpClient, fields: NewerFields | None = None) -> None:
        self._token = token
        self._address = f"{base_url.rstrip('/')}/bot{token}/"
        self._file_address = f"{base_url.rstrip('/')}/file/bot{token}/"
        self._http = http
        self._fields = fields
        self.clock = ServerClock("Telegram's")

    def __repr__(self) -> str:
        return f"BotApi({self._masked(self._address)!r})"

    def call(
        self,
        method: str,
        params: Mapping[str, Json] | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        *,
        timeout_s: float = 30.0,
    ) -> Json:
        """Return Telegram's `result`. Block for `timeout_s` at most between two bytes.

        Raise TelegramRefused when Telegram said no, TelegramUnreachable when nobody answered.
        """
        timeout = (min(timeout_s, CONNECT_TIMEOUT_S), timeout_s)
        if self._fields is None:
            return self._call(method, params or {}, files, timeout)
        return self._fields.call(params or {}, lambda shaped: self._call(method, shaped, files, timeout))

    def _call(
        self,
        method: str,
        params: Mapping[str, Json],
        files: Mapping[str, tuple[str, bytes]] | None,
        timeout: tuple[float, float],
    ) -> Json:
        reply = self._post(method, self._address + method, params, files, timeout)
        answer = self._answer(method, reply)
        if answer["ok"] is True:
            result: Json = answer.get("result")
            return result
        parameters = answer.get("parameters") or {}
        retry_after, moved_to = parameters.get("retry_after"), parameters.get("migrate_to_chat_id")
        raise TelegramRefused(
            method,
            int(answer.get("error_code") or reply.status_code),
            self._masked(str(answer.get("description", ""))),
            float(retry_after) if isinstance(retry_after, int | float) else _seconds(reply),
            moved_to if isinstance(moved_to, int) else None,
        )

    def sender(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        timeout: float | tuple[float, float] | None = None,
        proxies: object = None,
    ) -> Reply:
        """Send a call of telebot's: always a POST, the parameters in its body.

        Raise TelegramUnreachable. `method` and `proxies` are ignored: the HTTP client has its own proxies.
        """
        name = url.split("?", 1)[0].rsplit("/", 1)[-1]
        if timeout is None:
            timeout = (CONNECT_TIMEOUT_S, 30.0)
        return self._post(
            name, url, params or {}, {key: _file(key, file) for key, file in (files or {}).items()}, timeout
        )

    def download(self, file_path: str, limit_bytes: int = MOST_BYTES, timeout_s: float = 60.0) -> bytes:
        """Return the file that `getFile` named. Raise as `call` does; a file over `limit_bytes` is refused with 413.

        A server of one's own in local mode names a path on its disk, which is read here.
        """
        if file_path.startswith("/"):
            return self._read_local(Path(file_path), limit_bytes)
        ends_at = time.monotonic() + timeout_s
        content = bytearray()
        timeout = (min(timeout_s, CONNECT_TIMEOUT_S), timeout_s)
        try:
            response = self._http.send("GET", self._file_address + file_path, {}, None, timeout)
            with closing(response):
                if response.status_code >= 500:
                    raise TelegramUnreachable("download", f"HTTP {response.status_code}", sent=True)
                if response.status_code != 200:
                    raise TelegramRefused("download", response.status_code, response.reason)
                while chunk := response.read1():
                    content += chunk
                    if len(content) > limit_bytes:
                        raise TelegramRefused("download", 413, f"larger than {limit_bytes} bytes")
                    if time.monotonic() > ends_at:
                        raise TelegramUnreachable("download", f"not done after {timeout_s:g} s", sent=True)
                return bytes(content)
        except NoAnswer as error:
            failure = self._unreachable("download", error)
        raise failure

    def _read_local(self, path: Path, limit_bytes: int) -> bytes:
        """Return a file of the server's folder for this bot, which is named by the token; nothing else is read."""
        try:
            real = path.resolve(strict=True)
            if self._token not in real.parts:
                raise TelegramRefused("download", 403, "not in the server's folder for this bot")
            with real.open("rb") as file:
                content = file.read(limit_bytes + 1)
        except OSError as error:
            hint = "mount the folder of the Bot API server at the same path, readable for the bot"
            event(log, logging.ERROR, "local_file_unreadable", error=error.strerror or type(error).__name__, hint=hint)
            raise TelegramRefused("download", 404, "the server's file is not on this disk") from error
        if len(content) > limit_bytes:
            raise TelegramRefused("download", 413, f"larger than {limit_bytes} bytes")
        return content

    def _post(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any],
        files: Mapping[str, tuple[str, bytes]] | None,
        timeout: float | tuple[float, float],
    ) -> Reply:
        given = {name: value for name, value in params.items() if value is not None}
        if files:
            body, content_type = encode_form({name: _text(value) for name, value in given.items()}, files)
        else:
            body, content_type = _json(given), "application/json"
        times = timeout if isinstance(timeout, tuple) else (min(timeout, CONNECT_TIMEOUT_S), timeout)
        try:
            with closing(self._http.send("POST", url, {"Content-Type": content_type}, body, times)) as response:
                self.clock.heard(response.headers.get("Date", ""))
                return Reply(response)
        except NoAnswer as error:
            failure = self._unreachable(method, error)
        raise failure

    def _answer(self, method: str, reply: Reply) -> dict[str, Any]:
        status = reply.status_code
        try:
            answer = reply.json()
        except ValueError:
            answer = None
        if status < 500 and isinstance(answer, dict) and isinstance(answer.get("ok"), bool):
            return answer
        if status in (413, 429):  # said by a gateway, and meant: the same request would be refused again
            return {"ok": False, "description": f"{reply.reason} (from a gateway)"}
        start = " ".join(reply.text[:200].split())
        raise TelegramUnreachable(method, self._masked(f"HTTP {status}, not Telegram's answer: {start}"), sent=True)

    def _unreachable(self, method: str, error: NoAnswer) -> TelegramUnreachable:
        """Return the error, to be raised without its cause: that names the address, and with it the token."""
        return TelegramUnreachable(method, self._masked(str(error)), sent=error.sent)

    def _masked(self, text: str) -> str:
        secret = self._token.partition(":")[2]
        masked = text.replace(self._token, "<token>")
        return masked.replace(secret, "<token>") if len(secret) >= 6 else masked


def send_telebot_through(api: BotApi, base_url: str) -> None:
    """Have telebot send its calls through `api`. It keeps this for the whole process: call once, at the start."""
    base_url = base_url.rstrip("/")
    apihelper.API_URL = f"{base_url}/bot{{0}}/{{1}}"  # type: ignore[assignment]
    apihelper.FILE_URL = f"{base_url}/file/bot{{0}}/{{1}}"  # type: ignore[assignment]
    apihelper.CUSTOM_REQUEST_SENDER = api.sender  # type: ignore[assignment]


def _seconds(reply: Reply) -> float | None:
    try:
        return float(reply.headers.get("Retry-After", ""))
    except ValueError:
        return None


def _json(params: Mapping[str, Any]) -> bytes:
    # "replace": half a surrogate pair, as a model may send it, can't be written in UTF-8.
    return _ENCODE(params).encode("utf-8", "replace")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _file(name: str, file: Any) -> tuple[str, bytes]:
    """Return name and content of telebot's file: content, an open file, or a tuple of a name and one of these."""
    if isinstance(file, tuple):
        return str(file[0] or name), _file(name, file[1])[1]
    if isinstance(file, str):
        return name, file.encode()
    if isinstance(file, bytes | bytearray):
        return name, bytes(file)
    content, path = file.read(), str(getattr(file, "name", name))
    return path.rsplit("/", 1)[-1], content.encode() if isinstance(content, str) else content
