"""Serve the chat page: static files, a stream of events, and the users' actions.

`GET /` is the page, `GET /js/telegram-web-app.js` the script of Web Apps, `GET /page/events` a stream (server-sent
events) that begins with everything and goes on with what changes; `POST /page/<action>` takes JSON (so that no foreign
site can post here). Nothing of this is the Bot API.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from sandbox import inline_user, page_views
from sandbox.buyer import change_subscriptions, invoice_of, pay
from sandbox.demo_controls import DemoControls
from sandbox.groups import Group
from sandbox.guests import add_guest_chat
from sandbox.http_wire import HttpRequest, HttpResponse, Upload, json_response
from sandbox.reactions import react
from sandbox.recording import record
from sandbox.telegram_api import BotApi
from sandbox.telegram_state import Json
from sandbox.users import ChatUser, NotShown

STATIC = Path(__file__).with_name("page")
HEARTBEAT_S = 15.0
WEB_APP_SCRIPT = "/js/telegram-web-app.js"
MAX_VOICE_S = 600.0
GROUP_NAMES = ("Группа", "Group")
FIRST_GROUP = -1_001_000_000_000
NAMES = {
    "ru": ("Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Захар", "Ирина", "Кирилл", "Лидия", "Максим"),
    "en": ("Alice", "Ben", "Emma", "Frank", "Grace", "Henry", "Ivy", "Jack", "Kate", "Liam", "Mia", "Noah"),
}
Adder = Callable[..., ChatUser]
GroupMaker = Callable[[int, str, list[ChatUser]], Group]


@dataclass(frozen=True, slots=True)
class Around:
    """What the page shows beside the chats: the demo's own controls, where there are any, and who is an admin."""

    controls: DemoControls | None = None
    admin_ids: tuple[int, ...] = ()


PLAIN = Around()


class Page:
    """Answers the page's requests."""

    def __init__(self, api: BotApi, user: Adder, group: GroupMaker, around: Around) -> None:
        self.api, self.state, self.user, self.group = api, api.state, user, group
        self._around = around
        self._notice: Json | None = None  # the line on top: the key of a text, and its value
        self._alarm: int | None = None  # the bot's exit code once it has ended
        self._closed = False
        self._found: dict[int, dict[str, Json]] = {}  # results of the inline mode, by user and id

    def close(self) -> None:
        """End the event streams of open pages."""
        with self.state.lock:
            self._closed = True
            self.state.page_changed.notify_all()

    def set_notice(self, notice: Json) -> None:
        """Show a line on top of every open page: the key of a text in `page/texts.js`, and its `name`."""
        self._notice = notice
        self.state.tell_page(0, "profile")

    def warn(self, code: int) -> None:
        """Show on every open page that the bot has ended with this exit code."""
        self._alarm = code
        self.state.tell_page(0, "profile")

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer a browser: the page and its files, its events, or an action."""
        path = unquote(request.path)
        if request.method == "GET" and path == "/page/events":
            headers = (("Cache-Control", "no-store"),)
            return HttpResponse(200, content_type="text/event-stream", headers=headers, stream=self._events())
        if request.method == "GET" and path.startswith("/page/files/"):
            return self._file(path.rpartition("/")[2])
        if request.method == "GET" and path == WEB_APP_SCRIPT:
            return _static("telegram-web-app.js")
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
        return page_views.everything(self.api, self._lines)

    def _view(self, event: Json) -> Json:
        return page_views.view(self.api, event, self._lines)

    @property
    def _lines(self) -> Json:
        shown = self._around
        return {
            "notice": self._notice,
            "alarm": self._alarm,
            "admins": list(shown.admin_ids),
            "hasControls": shown.controls is not None,
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

    # Actions

    def _act(self, action: str, request: HttpRequest) -> HttpResponse:
        try:
            if action == "file":
                return self._upload(request)
            if request.content_type != "application/json":
                return json_response({"error": "JSON is needed"}, 415)
            sent = json.loads(request.body)
            if action in ("model", "choose", "clear"):
                return self._control(action, sent)
            if action == "users":
                return json_response({"id": self._add_user(str(sent.get("name", "")), sent.get("language", "ru"))})
            if action == "groups":
                return json_response({"id": self._add_group(sent)})
            return json_response(self._do(action, self._user(sent), sent))
        except NotShown as error:
            return json_response({"error": str(error)}, 409)
        except (ValueError, KeyError, TypeError, AttributeError):
            return json_response({"error": "The request can't be read"}, 400)

    def _control(self, action: str, sent: Json) -> HttpResponse:
        """Return the demo's own controls: which models there are, another model, a clean page."""
        controls = self._around.controls
        if controls is None:
            return json_response({"error": "Nothing to control here"}, 404)
        if action == "model":
            return json_response(controls.menu())
        if action == "choose":
            result = controls.choose(sent)
            return json_response({"reason": result.reason, "details": result.details})
        controls.clear()
        return json_response({})

    def _user(self, sent: Json) -> ChatUser:
        """Return the acting user in the named chat, by default the private one."""
        user = self.user(int(sent["user"]))
        chat = self.state.chats[int(sent.get("chat", user.id))]
        if chat is not user.chat:
            return Group(self.api, chat).member(user)
        topic_id = int(sent.get("topic") or 0)
        return ChatUser(self.api, user.user, chat, topic_id) if topic_id in chat.topics else user

    def _do(self, action: str, user: ChatUser, sent: Json) -> Json:
        reply_to = int(sent["replyTo"]) if sent.get("replyTo") else None
        if action == "send":
            text = str(sent["text"]).strip()
            return {"id": user.send(text, reply_to=reply_to)} if text else {}
        if action == "voice":
            seconds = min(MAX_VOICE_S, max(1.0, float(sent.get("seconds", 3))))
            return {"id": user.voice(record(str(sent["words"]), seconds), reply_to=reply_to)}
        if action == "press":
            return {"id": user.press(sent["text"])}
        if action == "tap":
            tap = user.tap(sent["button"], int(sent["message"]))
            return {"query": tap.query_id, "url": tap.url}
        if action == "inline":
            return self._search(user, str(sent["query"]), str(sent["offset"]))
        if action == "inline_send":
            found = self._found.get(user.id, {})
            return {"id": inline_user.choose(user, found[str(sent["id"])], str(sent["query"])).id}
        if action == "share":
            return {"id": inline_user.share_prepared(user, str(sent["prepared"])).id}
        if action == "invoice":
            return invoice_of(user, _invoice(sent))
        if action == "pay":
            paid = pay(user, _invoice(sent))
            return {"ok": paid.ok, "error": paid.error}
        if action == "subscriptions":
            return change_subscriptions(user, str(sent.get("what", "")))
        if action == "edit":
            user.edit(int(sent["message"]), str(sent["text"]).strip())
        elif action == "stop":
            user.stop_draft()
        elif action == "react":
            react(user, int(sent["message"]), str(sent["emoji"]))
        elif action == "sticker":
            user.sticker(reply_to)
        elif action == "block":
            if sent["blocked"]:
                user.block()
            else:
                user.unblock()
        elif action == "data":
            user.send_web_app_data(str(sent["label"]), str(sent["data"]))
        elif action == "language":
            user.speaks({"en": "en"}.get(sent["language"], "ru"))
        elif action == "menu":
            menu = user.chat.command_menu
            menu = menu if menu["type"] == "web_app" else self.state.profile["menu"]
            return {"url": user.web_app_url(menu["web_app"]["url"])}
        else:
            raise ValueError(action)
        return {}

    def _search(self, user: ChatUser, query: str, offset: str) -> Json:
        """Return what the bot finds, and keep it until the user types something else."""
        found = inline_user.ask(user, query, offset)
        kept = self._found.get(user.id, {}) if offset else {}
        self._found[user.id] = kept | {result["id"]: result for result in found.results}
        shown = [
            {
                "id": result["id"],
                "title": result["title"],
                "description": result.get("description", ""),
                "picture": result.get("thumbnail_url", ""),
            }
            for result in found.results
        ]
        return {"results": shown, "button": found.button, "next": found.next_offset}

    def _add_user(self, name: str, language: str) -> int:
        with self.state.lock:
            user_id = max(self.state.users, default=0) + 1
            language = "en" if language == "en" else "ru"
            names = NAMES[language]
            name = name.strip()[:64] or names[(user_id - 1) % len(names)]
            self.user(user_id, name, "", language)
            return user_id

    def _add_group(self, sent: Json) -> int:
        title, members = str(sent["title"]), [int(id) for id in sent["members"]]
        with self.state.lock:
            chat_id = min([FIRST_GROUP, *self.state.chats]) - 1
            users = [self.user(id) for id in dict.fromkeys(members) if id in self.state.users]
            if not users:
                raise NotShown("The group has no members")
            title = title.strip()[:128] or GROUP_NAMES[users[0].user.language_code == "en"]
            if sent.get("guest"):
                return add_guest_chat(self.state, chat_id, title, tuple(user.id for user in users)).id
            group = self.group(chat_id, title, users)
            group.welcome_bot(users[0])
            return chat_id

    def _upload(self, request: HttpRequest) -> HttpResponse:
        if "x-page" not in request.headers:  # a header that a foreign site's form can't send
            return json_response({"error": "The request can't be read"}, 400)
        values, files = request.parameters()
        upload: Upload = files["file"]
        user = self._user(values)
        reply_to = int(values["replyTo"]) if values.get("replyTo") else None
        if upload.mime.endswith("/ogg") or upload.name.lower().endswith((".ogg", ".oga", ".opus")):
            return json_response({"id": user.voice(upload.data, reply_to=reply_to)})
        caption = str(values.get("caption", "")).strip()
        if upload.mime in ("image/jpeg", "image/png"):
            group = str(values.get("group", ""))
            return json_response({"id": user.photo(upload.data, caption, reply_to=reply_to, group=group)})
        sent = user.document(upload.name, upload.data, caption, reply_to=reply_to, mime=upload.mime)
        return json_response({"id": sent})


def _invoice(sent: Json) -> int | str:
    """Return what names an invoice: the message that shows it, or its link."""
    return int(sent["message"]) if "message" in sent else str(sent["link"])


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
