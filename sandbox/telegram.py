"""Stand in for Telegram: the Bot API over HTTP and the chat page, at one address.

    with TelegramServer() as server:
        anna = server.user(1, "Анна")
        ...  # start a bot with server.url and server.token
        anna.send("/start")
        anna.wait("Здравствуйте")

Covers long polling, web hooks, refusals, limits, ordered faults (`telegram_faults`) and users (`users`). Doesn't cover
channels. Methods are in `telegram_api`, `telegram_chats`, `telegram_profile`, `forum_topics`, `inline_mode` and
`payments`, the page in `page_api`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote

import requests

from sandbox.groups import Group
from sandbox.guests import add_guest_chat, call_privately
from sandbox.http_wire import HttpRequest, HttpResponse, HttpServer, json_response
from sandbox.page_api import PLAIN, Around, Page
from sandbox.telegram_api import BotApi
from sandbox.telegram_faults import CallFaults
from sandbox.telegram_profile import ApiError
from sandbox.telegram_state import State, User
from sandbox.users import ChatUser

KEPT_CALLS = 100_000
TOKEN = "7000000001:SandboxTokenSandboxTokenSandboxTok0"  # nosec B105  # of the stand-in, which everybody knows
WEBHOOK_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class Call:
    """An answered call of the Bot API; `files` are the names of its files."""

    method: str
    params: Mapping[str, Any]
    files: tuple[str, ...]
    at: float
    status: int
    description: str = ""


class TelegramServer:
    """A context manager; `url` and `token` are what a bot needs. `around` is what the page shows beside the chats."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = TOKEN,
        *,
        username: str = "soavtor_demo_bot",
        name: str = "Соавтор",
        clock: Callable[[], float] = time.time,
        around: Around = PLAIN,
    ) -> None:
        self.state = State(clock)
        self.token = token
        self.api = BotApi(self.state, token, username, name)
        self.faults = CallFaults()
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self.record_calls = True
        self.local_folder: Path | None = None  # set: a server in local mode, which names paths below it …
        self.local_shared = True  # … that the bot sees too
        self.page = Page(self.api, self.user, self.group, around)
        self._users: dict[int, ChatUser] = {}
        self._http = HttpServer(self._answer, host, port, clock)
        self._closing = threading.Event()
        self.webhook_ca = ""  # a file with the certificate of a web hook that is self-signed
        self._hook = threading.Thread(target=self._deliver_to_webhook, name="webhook", daemon=True)

    # Address and recorded calls

    @property
    def url(self) -> str:
        """The address of the page and of the Bot API, without a slash at the end."""
        return self._http.url

    @property
    def port(self) -> int:
        """The port it listens at."""
        return self._http.port

    @property
    def violations(self) -> list[str]:
        """Violations of the Bot API's contract, in order."""
        return list(self.api.violations)

    @property
    def flood(self) -> bool:
        """Whether Telegram's flood limit (about one message a second per chat) is on; off at first."""
        return self.api.flood

    @flood.setter
    def flood(self, on: bool) -> None:
        self.api.flood = on

    def called(self, method: str) -> list[Call]:
        """Return the recorded calls of one method."""
        return [call for call in list(self.calls) if call.method == method]

    # Users, groups and updates

    def user(
        self, id: int, first_name: str = "Анна", username: str = "", language_code: str = "ru", last_name: str = ""
    ) -> ChatUser:
        """Return the user with this id; a new one has not written to the bot yet."""
        with self.state.lock:
            if id not in self._users:
                known = self.state.users.get(id)
                user = known or User(id, first_name, username, last_name, language_code)
                self._users[id] = ChatUser(self.api, user, self.state.add_user(user))
            return self._users[id]

    def group(self, id: int, title: str, members: list[ChatUser], *, privacy: bool = True) -> Group:
        """Return the group with this id; a new one has the bot and these users as members.

        With `privacy` the bot gets only what is meant for it. `Group.welcome_bot` tells the bot that it was added.
        """
        chat = self.state.chats.get(id)
        if chat is None:
            chat = self.state.add_group(id, title, tuple(member.id for member in members), privacy)
        return Group(self.api, chat)

    def guest_chat(self, id: int, title: str, members: list[ChatUser]) -> Group:
        """Return the group with this id, which the bot is no member of; a new one has these users."""
        return Group(self.api, add_guest_chat(self.state, id, title, tuple(member.id for member in members)))

    def call_between(self, caller: ChatUser, other: ChatUser, text: str) -> str:
        """Call the bot in the private chat of two users; return the query's id."""
        return call_privately(self.state, self.api.bot, self.api.guests, caller.user, other.user, text)

    def raw_update(self, update: dict[str, Any]) -> int:
        """Queue this update as it is, under the next id unless it has an `update_id`."""
        return self.state.add_raw_update(update)

    def updates_left(self) -> int:
        """Return how many updates the bot has not acknowledged yet."""
        with self.state.lock:
            return len(self.state.updates)

    def set_date(self, chat_id: int, message_id: int, date: float) -> None:
        """Set the date of a message."""
        with self.state.lock:
            messages = self.state.chats[chat_id].messages
            messages[message_id] = replace(messages[message_id], date=int(date))

    # HTTP

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/bot"):
            token, _, method = request.path[4:].partition("/")
            if unquote(token) != self.token:
                return json_response(ApiError(401, "Unauthorized").json(), 401)
            return self._call(method, request)
        if request.path.startswith("/file/bot"):
            return self._file(request)
        return self.page.answer(request)

    def _call(self, method: str, request: HttpRequest) -> HttpResponse:
        try:
            parameters, files = request.parameters()
        except ValueError as error:
            self.api.violations.append(f"{method}: the request can't be read: {error}")
            return json_response(ApiError(400, "Bad Request: can't parse the request").json(), 400)
        typed = request.content_type == "application/json"

        def run() -> HttpResponse:
            status, description = 200, ""
            value: dict[str, Any]
            try:
                self.api.check_flood(method, parameters)
                value = {"ok": True, "result": self.api.call(method, parameters, files, typed=typed)}
                if method == "getFile" and self.local_folder is not None:
                    self._store_locally(self.local_folder, value["result"])
            except ApiError as error:
                status, description, value = error.status, error.description, error.json()
            self._record(method, parameters, files, status, description)
            return json_response(value, status)

        fault = self.faults.take(method, parameters.get("chat_id"))
        if fault is None:
            return run()
        if fault.answer is not None and not fault.after:
            self._record(method, parameters, files, fault.answer.status, "a fault")
        return self.faults.apply(fault, run)

    def _record(
        self, method: str, parameters: Mapping[str, Any], files: Mapping[str, Any], status: int, description: str
    ) -> None:
        if self.record_calls:
            self.calls.append(Call(method, parameters, tuple(files), self.state.clock(), status, description))

    def _store_locally(self, folder: Path, file: dict[str, Any]) -> None:
        """Write a file where a server in local mode has it, and name its path."""
        path = folder / self.token / file["file_path"]
        if self.local_shared:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.state.files[file["file_id"]][1])
        file["file_path"] = str(path)

    def _file(self, request: HttpRequest) -> HttpResponse:
        token, _, path = request.path.removeprefix("/file/bot").partition("/")
        file_id = path.rpartition("/")[2].rpartition(".")[0]
        if unquote(token) != self.token:
            return json_response(ApiError(401, "Unauthorized").json(), 401)
        with self.state.lock:
            found = self.state.files.get(file_id)
        if found is None or self.local_folder is not None:
            return json_response(ApiError(404, "Not Found").json(), 404)
        return HttpResponse(200, found[1], "application/octet-stream")

    def _deliver_to_webhook(self) -> None:
        """Post updates in order while a web hook is set; repeat one that isn't accepted."""
        with requests.Session() as session:
            session.trust_env = False
            while not self._closing.is_set():
                with self.state.lock:
                    hook = dict(self.state.webhook)
                    if not hook or not self.state.updates:
                        self.state.updates_changed.wait(1)
                        continue
                    update = self.state.updates[0]
                headers = {"Content-Type": "application/json"}
                if hook["secret"]:
                    headers["X-Telegram-Bot-Api-Secret-Token"] = hook["secret"]
                try:
                    answer = session.post(
                        hook["url"], json.dumps(update), headers=headers, timeout=10, verify=self.webhook_ca or True
                    )
                    status = answer.status_code
                    complaint = "" if 200 <= status < 300 else f"Wrong response from the webhook: {status}"
                except requests.RequestException:
                    complaint = "Connection refused"
                if complaint:
                    with self.state.lock:
                        if self.state.webhook.get("url") == hook["url"]:
                            self.state.webhook.update(error=complaint, error_at=int(self.state.clock()))
                    self._closing.wait(WEBHOOK_RETRY_S)
                    continue
                with self.state.lock:
                    if self.state.updates and self.state.updates[0] is update:
                        self.state.updates.popleft()

    # Start and end

    def close(self) -> None:
        """End the waiting calls, the faults, the open pages and the server."""
        self._closing.set()
        self.faults.clear()
        self.api.close()
        self.page.close()
        self._http.close()

    def __enter__(self) -> TelegramServer:
        self._http.start()
        self._hook.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
