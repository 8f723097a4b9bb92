"""Implement the Bot API's methods for the bot itself: updates, web hooks, name, descriptions, commands, photo, menu."""

from __future__ import annotations

import json
import time
from typing import Any

from sandbox.telegram_state import UNREQUESTED, Chat, Json, State

CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
REPLACED = "Conflict: terminated by setWebhook request"
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class ApiError(Exception):
    """A refusal in the Bot API's form."""

    def __init__(self, status: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.status, self.description, self.retry_after = status, description, retry_after

    def json(self) -> Json:
        """Return the answer of Telegram, with the seconds to wait if there are any."""
        value: Json = {"ok": False, "error_code": self.status, "description": self.description}
        if self.retry_after is not None:
            value["parameters"] = {"retry_after": self.retry_after}
        return value


class ProfileMethods:
    """The methods that concern no chat."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.closed = False
        self.polls = 0
        self._conflict = CONFLICT  # what the waiting getUpdates is told when another call ends it

    def close(self) -> None:
        """End the long polls that wait."""
        with self.state.lock:
            self.closed = True
            self.state.updates_changed.notify_all()

    # Updates

    def _getUpdates(self, values: Json) -> list[Json]:
        state = self.state
        with state.lock:
            if state.webhook.get("url"):
                raise ApiError(409, HOOKED)
            self.polls += 1
            self._conflict = CONFLICT
            mine = self.polls
            state.updates_changed.notify_all()
            self._allow(values)
            if values.get("offset"):
                state.acknowledge(values["offset"])
            ends_at = time.monotonic() + values.get("timeout", 0)
            while not state.updates and not self.closed and mine == self.polls:
                left = ends_at - time.monotonic()
                if left <= 0:
                    break
                state.updates_changed.wait(left)
            if mine != self.polls:
                raise ApiError(409, self._conflict)
            limit = values.get("limit", 100)
            return [update for update, _ in zip(state.updates, range(limit), strict=False)]

    def _allow(self, values: Json) -> None:
        if "allowed_updates" in values:
            kinds = frozenset(values["allowed_updates"])
            self.state.allowed_updates = kinds or None

    def _setWebhook(self, values: Json) -> bool:
        with self.state.lock:
            url = values["url"]
            if url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
                raise ApiError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
            self._allow(values)
            if values.get("drop_pending_updates"):
                self.state.updates.clear()
            self.state.webhook = {"url": url, "secret": values.get("secret_token", "")} if url else {}
            self.polls += 1  # a waiting getUpdates ends with 409
            self._conflict = REPLACED
            self.state.updates_changed.notify_all()
            return True

    def _deleteWebhook(self, values: Json) -> bool:
        with self.state.lock:
            self.state.webhook = {}
            if values.get("drop_pending_updates"):
                self.state.updates.clear()
            return True

    def _getWebhookInfo(self, values: Json) -> Json:
        with self.state.lock:
            value: Json = {
                "url": self.state.webhook.get("url", ""),
                "has_custom_certificate": False,
                "pending_update_count": len(self.state.updates),
            }
            if self.state.webhook.get("error"):
                value["last_error_message"] = self.state.webhook["error"]
                value["last_error_date"] = self.state.webhook["error_at"]
            if self.state.allowed_updates is not None:
                value["allowed_updates"] = sorted(self.state.allowed_updates - UNREQUESTED)
            return value

    # Name, descriptions, photo

    def _setMyName(self, values: Json) -> bool:
        return self._set("names", values.get("language_code", ""), values.get("name", ""))

    def _setMyDescription(self, values: Json) -> bool:
        return self._set("descriptions", values.get("language_code", ""), values.get("description", ""))

    def _setMyShortDescription(self, values: Json) -> bool:
        return self._set("shorts", values.get("language_code", ""), values.get("short_description", ""))

    def _getMyName(self, values: Json) -> Json:
        return {"name": self._get("names", values) or getattr(self, "name", "")}

    def _getMyDescription(self, values: Json) -> Json:
        return {"description": self._get("descriptions", values)}

    def _getMyShortDescription(self, values: Json) -> Json:
        return {"short_description": self._get("shorts", values)}

    def _set(self, table: str, key: str, value: Any) -> bool:
        with self.state.lock:
            if value:
                self.state.profile[table][key] = value
            else:
                self.state.profile[table].pop(key, None)
            self.state.dirty = True
            self.state.tell_page(0, "profile")
            return True

    def _get(self, table: str, values: Json) -> Any:
        texts = self.state.profile[table]
        return texts.get(values.get("language_code", "")) or texts.get("", "")

    def _setMyProfilePhoto(self, values: Json) -> bool:
        photo = values["photo"]
        upload = values["files"].get(str(photo.get("photo", "")).removeprefix("attach://"))
        if photo["type"] != "static" or upload is None:
            raise ApiError(400, "Bad Request: profile photo must be uploaded as a file")
        if not upload.data.startswith(b"\xff\xd8\xff"):
            raise ApiError(400, "Bad Request: PHOTO_EXT_INVALID")
        with self.state.lock:
            self.state.photo_file_id = self.state.add_file("avatar.jpg", upload.data)
            self.state.dirty = True
            self.state.tell_page(0, "profile")
            return True

    def _removeMyProfilePhoto(self, values: Json) -> bool:
        with self.state.lock:
            self.state.photo_file_id = ""
            self.state.tell_page(0, "profile")
            return True

    def _getUserProfilePhotos(self, values: Json) -> Json:
        return {"total_count": 0, "photos": []}

    # Commands and the menu button

    def _setMyCommands(self, values: Json) -> bool:
        commands = [{**item, "command": item["command"].removeprefix("/")} for item in values["commands"]]
        return self._set("commands", _commands_key(values), commands)

    def _deleteMyCommands(self, values: Json) -> bool:
        return self._set("commands", _commands_key(values), None)

    def _getMyCommands(self, values: Json) -> list[Json]:
        return list(self.state.profile["commands"].get(_commands_key(values), ()))

    def _setChatMenuButton(self, values: Json) -> bool:
        button = values.get("menu_button") or {"type": "default"}
        with self.state.lock:
            if "chat_id" in values:
                self._menu_chat(values["chat_id"]).command_menu = button
            else:
                self.state.profile["menu"] = button
            self.state.tell_page(0, "profile")
            return True

    def _getChatMenuButton(self, values: Json) -> Json:
        with self.state.lock:
            if "chat_id" in values:
                return self._menu_chat(values["chat_id"]).command_menu
            return dict(self.state.profile["menu"])

    def _menu_chat(self, chat_id: object) -> Chat:
        chat = self.state.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None:
            raise ApiError(400, "Bad Request: chat not found")
        return chat


def _commands_key(values: Json) -> str:
    scope = values.get("scope") or {"type": "default"}
    return json.dumps([scope, values.get("language_code", "")], sort_keys=True)


def commands_for(state: State, chat_id: int, language: str) -> list[Json]:
    """Return the commands that a chat shows a user: the narrowest scope that has any, first in the user's language."""
    wide = "all_private_chats" if chat_id > 0 else "all_group_chats"
    for scope in ({"type": "chat", "chat_id": chat_id}, {"type": wide}, {"type": "default"}):
        for code in (language, ""):
            found = state.profile["commands"].get(json.dumps([scope, code], sort_keys=True))
            if found:
                return list(found)
    return []
