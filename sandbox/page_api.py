"""The chat page's own server: static files, a stream of events, and what a person does on the page.

`GET /` is the page, `GET /page/events` a stream (server-sent events) that begins with everything and goes on with what
changes; `POST /page/<action>` takes JSON (so that no foreign site can post here). Nothing of this is the Bot API.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sandbox.http_wire import HttpRequest, HttpResponse, Upload, json_response
from sandbox.people import NotShown, Person
from sandbox.telegram_api import BotApi
from sandbox.telegram_profile import commands_for
from sandbox.telegram_state import Chat, ChatMessage, Json

STATIC = Path(__file__).with_name("page")
SHOWN_MESSAGES = 300
HEARTBEAT_S = 15.0
NAMES = ("Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Захар", "Ирина", "Кирилл", "Лидия", "Максим")
Adder = Callable[..., Person]


class Page:
    """Answers the page's requests. `notice` is the line on top of it; `alarm` a line about the bot's end."""

    def __init__(self, api: BotApi, person: Adder, notice: str) -> None:
        self.api, self.state, self.person = api, api.state, person
        self.notice = notice
        self.alarm = ""
        self._closed = False

    def close(self) -> None:
        with self.state.lock:
            self._closed = True
            self.state.page_changed.notify_all()

    def warn(self, alarm: str) -> None:
        """Shows a line about the bot's end on every open page."""
        self.alarm = alarm
        self.state.tell_page(0, "profile")

    def answer(self, request: HttpRequest) -> HttpResponse:
        path = unquote(request.path)
        if request.method == "GET" and path == "/page/events":
            headers = (("Cache-Control", "no-store"),)
            return HttpResponse(200, content_type="text/event-stream", headers=headers, stream=self._events())
        if request.method == "GET" and path.startswith("/page/files/"):
            return self._file(path.rpartition("/")[2])
        if request.method == "GET":
            return _static("index.html" if path == "/" else path.removeprefix("/page/"))
        if request.method == "POST" and path.startswith("/page/"):
            return self._act(path.removeprefix("/page/"), request)
        return HttpResponse(404, b"Not Found", "text/plain")

    # What is shown

    def _events(self) -> Iterator[bytes]:
        state = self.state
        with state.lock:
            state.watchers += 1
            seen = state.page_serial
            first = self._everything()
        try:
            yield _event(first)
            while not self._closed:
                with state.lock:
                    if state.page_serial == seen:
                        state.page_changed.wait(HEARTBEAT_S)
                    fresh = [event for serial, event in state.page_events if serial > seen]
                    missed = state.page_serial - seen > len(fresh)
                    seen = state.page_serial
                    views = [self._everything()] if missed else [self._view(event) for event in fresh]
                yield b"".join(_event(view) for view in views) or b": alive\n\n"
        finally:
            with state.lock:
                state.watchers -= 1

    def _everything(self) -> Json:
        return {
            "kind": "everything",
            "bot": self._bot(),
            "chats": [self._chat(chat) for chat in self.state.chats.values() if chat.type == "private"],
        }

    def _view(self, event: Json) -> Json:
        chat = self.state.chats.get(event["chat"])
        kind = event["kind"]
        if kind == "profile" or chat is None:
            commands = {chat.id: self._commands(chat) for chat in self.state.chats.values() if chat.type == "private"}
            return {"kind": "profile", "bot": self._bot(), "commands": commands}
        if kind == "chat":
            return {"kind": "chat", "chat": self._chat(chat)}
        view = {**event, **self._status(chat)}
        if kind in ("message", "delete"):
            view["message"] = _message(chat.messages[event["id"]])
        return view

    def _bot(self) -> Json:
        profile = self.state.profile

        def text(table: str) -> str:
            return str(profile[table].get("ru") or profile[table].get("") or "")

        photo = self.state.photo_file_id
        return {
            "name": text("names") or self.api.name,
            "username": self.api.username,
            "description": text("descriptions"),
            "about": text("shorts"),
            "photo": f"/page/files/{photo}" if photo in self.state.files else "",
            "menu": profile["menu"],
            "notice": self.notice,
            "alarm": self.alarm,
        }

    def _commands(self, chat: Chat) -> list[Json]:
        return commands_for(self.state, chat.id, self.state.users[chat.id].language_code)

    def _chat(self, chat: Chat) -> Json:
        user = self.state.users[chat.id]
        messages = [message for message in chat.messages.values() if not message.deleted][-SHOWN_MESSAGES:]
        return {
            "id": chat.id,
            "name": user.first_name,
            "username": user.username,
            "started": chat.started,
            "blocked": chat.blocked,
            "commands": self._commands(chat),
            "messages": [_message(message) for message in messages],
            **self._status(chat),
        }

    def _status(self, chat: Chat) -> Json:
        """The keyboard, the draft and the bot's action, as they are now."""
        now = self.state.clock()
        draft = self.state.draft(chat)
        return {
            "keyboard": dict(chat.keyboard) if chat.keyboard else None,
            "draft": draft
            and {
                "id": draft.draft_id,
                "text": draft.text,
                "entities": [dict(entity) for entity in draft.entities],
                "canStop": draft.can_stop,
                "leftMs": int((draft.ends_at - now) * 1000),
            },
            "action": chat.action if chat.action_until > now else "",
            "actionMs": max(0, int((chat.action_until - now) * 1000)),
        }

    def _file(self, file_id: str) -> HttpResponse:
        with self.state.lock:
            found = self.state.files.get(file_id)
        if found is None:
            return HttpResponse(404, b"Not Found", "text/plain")
        name, data = found
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        shown = mime.startswith(("image/", "audio/")) and mime != "image/svg+xml"
        disposition = f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name)}"
        headers = (("Content-Disposition", disposition), ("X-Content-Type-Options", "nosniff"))
        return HttpResponse(200, data, mime if shown else "application/octet-stream", headers)

    # What a person does

    def _act(self, action: str, request: HttpRequest) -> HttpResponse:
        try:
            if action == "file":
                return self._upload(request)
            if request.content_type != "application/json":
                return json_response({"error": "Нужен JSON"}, 415)
            sent = json.loads(request.body)
            if action == "users":
                return json_response({"id": self._add_user(str(sent.get("name", "")))})
            return json_response(self._do(action, self.person(int(sent["user"])), sent))
        except NotShown as error:
            return json_response({"error": str(error)}, 409)
        except (ValueError, KeyError, TypeError, AttributeError):
            return json_response({"error": "Запрос не разобран"}, 400)

    def _do(self, action: str, person: Person, sent: Json) -> Json:
        if action == "send":
            text = str(sent["text"]).strip()
            return {"id": person.send(text, reply_to=sent.get("replyTo"))} if text else {}
        if action == "press":
            return {"id": person.press(sent["text"])}
        if action == "tap":
            tap = person.tap(sent["button"], int(sent["message"]))
            return {"query": tap.query_id, "url": tap.url}
        if action == "edit":
            person.edit(int(sent["message"]), str(sent["text"]).strip())
        elif action == "stop":
            person.stop_draft()
        elif action == "sticker":
            person.sticker()
        elif action == "block":
            if sent["blocked"]:
                person.block()
            else:
                person.unblock()
        elif action == "menu":
            return {"url": person.web_app_url(self.state.profile["menu"]["web_app"]["url"])}
        else:
            raise ValueError(action)
        return {}

    def _add_user(self, name: str) -> int:
        with self.state.lock:
            user_id = max(self.state.users, default=0) + 1
            self.person(user_id, name.strip()[:64] or NAMES[(user_id - 1) % len(NAMES)])
            return user_id

    def _upload(self, request: HttpRequest) -> HttpResponse:
        if "x-page" not in request.headers:  # a header that a foreign site's form can't send
            return json_response({"error": "Запрос не разобран"}, 400)
        values, files = request.parameters()
        upload: Upload = files["file"]
        person: Any = self.person(int(values["user"]))
        if upload.mime.startswith("audio/"):
            return json_response({"id": person.voice(upload.data)})
        if upload.mime in ("image/jpeg", "image/png"):
            return json_response({"id": person.photo(upload.data)})
        return json_response({"id": person.document(upload.name, upload.data)})


def _static(name: str) -> HttpResponse:
    file = STATIC / name
    if "/" in name or name.startswith(".") or not file.is_file():
        return HttpResponse(404, b"Not Found", "text/plain")
    mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if mime.startswith("text/"):
        mime += "; charset=utf-8"
    return HttpResponse(200, file.read_bytes(), mime, (("Cache-Control", "no-cache"),))


def _event(view: Json) -> bytes:
    return f"data: {json.dumps(view, ensure_ascii=False)}\n\n".encode()


def _message(message: ChatMessage) -> Json:
    attachment = message.attachment
    return {
        "id": message.id,
        "mine": not message.from_bot,
        "date": message.date,
        "text": message.text,
        "entities": [dict(entity) for entity in message.entities],
        "buttons": [list(row) for row in (message.markup or {}).get("inline_keyboard", ())],
        "edited": message.edited,
        "deleted": message.deleted,
        "replyTo": message.reply_to,
        "file": attachment
        and {
            "kind": attachment.kind,
            "name": attachment.name,
            "size": attachment.size,
            "url": f"/page/files/{attachment.file_id}",
        },
    }
