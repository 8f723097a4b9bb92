"""The Bot API over HTTP: one call, its result or its error; nothing is tried twice.

Covers: parameters in the body (the library would put them into the URL: 24 KB for a long message, which proxies
refuse), files, downloads, the token kept out of every error, and the same way out for telebot (`sender`).
Doesn't cover: retries, order and limits (`telegram/sender.py`), polling (`telegram/dispatcher.py`).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

from core.errors import TelegramRefused, TelegramUnreachable
from core.http_client import NoAnswer, Response, Sessions
from core.schemas import Json

CONNECT_TIMEOUT_S: Final = 10.0
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Reply:
    """An HTTP answer, as much of it as telebot looks at."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status_code
        self.reason = response.reason
        self.headers = response.headers
        self.content = response.read()

    @property
    def text(self) -> str:
        """The body as UTF-8, with replacement characters for bytes that aren't."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; raises `ValueError`."""
        return json.loads(self.text)


class BotApi:
    """The bot's door to the server at `base_url`. May be used by many threads at once."""

    def __init__(self, token: str, base_url: str, sessions: Sessions) -> None:
        self._token = token
        self._address = f"{base_url.rstrip('/')}/bot{token}/"
        self._file_address = f"{base_url.rstrip('/')}/file/bot{token}/"
        self._sessions = sessions

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
        """Telegram's `result`. Blocks for `timeout_s` at most between two bytes.

        Raises `TelegramRefused` when Telegram said no, `TelegramUnreachable` when nobody answered.
        """
        timeout = (min(timeout_s, CONNECT_TIMEOUT_S), timeout_s)
        reply = self._post(method, self._address + method, params or {}, files, timeout)
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
        """For telebot's `apihelper.CUSTOM_REQUEST_SENDER`: always a POST, the parameters in its body.

        Raises `TelegramUnreachable` instead of the errors of requests, which hold the token. The way out is
        the session's: `proxies` and the HTTP method that telebot would take are ignored.
        """
        name = url.split("?", 1)[0].rsplit("/", 1)[-1]
        if timeout is None:
            timeout = (CONNECT_TIMEOUT_S, 30.0)
        return self._post(
            name, url, params or {}, {key: _file(key, file) for key, file in (files or {}).items()}, timeout
        )

    def download(self, file_path: str, limit_bytes: int = 20_000_000, timeout_s: float = 60.0) -> bytes:
        """The file that `getFile` named. Raises as `call`; one longer than `limit_bytes` is refused with 413."""
        ends_at = time.monotonic() + timeout_s
        content = bytearray()
        failure: TelegramUnreachable | None = None
        try:
            with self._sessions.get().get(
                self._file_address + file_path,
                timeout=(min(timeout_s, CONNECT_TIMEOUT_S), timeout_s),
                stream=True,
                allow_redirects=False,
            ) as response:
                if response.status_code >= 500:
                    raise TelegramUnreachable("download", f"HTTP {response.status_code}", sent=True)
                if response.status_code != 200:
                    raise TelegramRefused("download", response.status_code, response.reason or "")
                for chunk in response.iter_content(65536):
                    content += chunk
                    if len(content) > limit_bytes:
                        raise TelegramRefused("download", 413, f"larger than {limit_bytes} bytes")
                    if time.monotonic() > ends_at:
                        raise TelegramUnreachable("download", f"not done after {timeout_s:g} s", sent=True)
        except requests.RequestException as error:
            failure = self._unreachable("download", error)
        if failure:
            raise failure
        return bytes(content)

    def _post(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any],
        files: Mapping[str, tuple[str, bytes]] | None,
        timeout: float | tuple[float, float],
    ) -> Reply:
        body, content_type = _form(params, files) if files else (_json(params), "application/json")
        times = timeout if isinstance(timeout, tuple) else (min(timeout, CONNECT_TIMEOUT_S), timeout)
        try:
            response = self._sessions.send("POST", url, {"Content-Type": content_type}, body, times)
            try:
                return Reply(response)
            finally:
                response.close()
        except NoAnswer as error:
            failure = TelegramUnreachable(method, self._masked(str(error)), sent=error.sent)
        raise failure  # out here, so that no traceback leads on to an error that names the address

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

    def _unreachable(self, method: str, error: requests.RequestException) -> TelegramUnreachable:
        cause = error.args[0] if error.args else None
        reason = cause.reason if isinstance(cause, MaxRetryError) else None
        arrived = not (
            isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ProxyError)
        )
        message = self._masked(f"{type(error).__name__}: {reason or cause or error}")
        return TelegramUnreachable(method, message, sent=arrived)

    def _masked(self, text: str) -> str:
        secret = self._token.partition(":")[2]
        masked = text.replace(self._token, "<token>")
        return masked.replace(secret, "<token>") if len(secret) >= 6 else masked


def _seconds(reply: Reply) -> float | None:
    try:
        return float(reply.headers.get("Retry-After", ""))
    except ValueError:
        return None


def _json(params: Mapping[str, Any]) -> bytes:
    given = {name: value for name, value in params.items() if value is not None}
    # "replace": half a surrogate pair, as a model may send it, can't be written in UTF-8.
    return _ENCODE(given).encode("utf-8", "replace")


def _form(params: Mapping[str, Any], files: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """A multipart body and its content type. Not left to requests: telebot switches off its quoting of names."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in params.items():
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            parts.append((f'form-data; name="{_quoted(name)}"', text.encode("utf-8", "replace")))
    for name, (file_name, content) in files.items():
        disposition = f'form-data; name="{_quoted(name)}"; filename="{_quoted(file_name)}"'
        parts.append((f"{disposition}\r\nContent-Type: application/octet-stream", content))
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: {head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts
    )
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _quoted(name: str) -> str:
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")  # as browsers do


def _file(name: str, file: Any) -> tuple[str, bytes]:
    """One of telebot's files: content, an open file, or a tuple of its name and one of these."""
    if isinstance(file, tuple):
        return str(file[0] or name), _file(name, file[1])[1]
    if isinstance(file, str):
        return name, file.encode()
    if isinstance(file, bytes | bytearray):
        return name, bytes(file)
    content = file.read()
    return str(getattr(file, "name", name)).rsplit("/", 1)[-1], content.encode() if isinstance(
        content, str
    ) else content
