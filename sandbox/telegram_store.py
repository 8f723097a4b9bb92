"""Keep the demo's chats between two runs: the state as one JSON file, written whole and renamed.

Covers users, groups, messages, files, ids, the profile and updates that wait for the bot. Drafts and pressed buttons
are not kept.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.telegram_state import Attachment, ChatMessage, State, User

FORMAT = 1
KEPT_MESSAGES = 1000


class Store:
    """Writes `state` to `path` soon after it changed, until `close`."""

    def __init__(self, state: State, path: Path, interval_s: float = 1.0) -> None:
        self._state, self._path, self._interval_s = state, path, interval_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)

    def start(self) -> None:
        """Save from time to time, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, then save a last time."""
        self._closing.set()
        self._thread.join()
        self.save()

    def save(self) -> None:
        """Write the file if anything changed; ignore a full disk until the next time."""
        with self._state.lock:
            if not self._state.dirty:
                return
            text = json.dumps(_dump(self._state), ensure_ascii=False)
            self._state.dirty = False
        part = self._path.with_name(self._path.name + ".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, "utf-8")
            part.replace(self._path)
        except OSError:
            self._state.dirty = True

    def load(self) -> bool:
        """Fill a new state; return False if there is no file, or an unreadable one (which is renamed)."""
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            if kept["format"] != FORMAT:
                raise ValueError("another format")
            _restore(self._state, kept)
        except FileNotFoundError:
            return False
        except (ValueError, KeyError, TypeError):
            self._path.replace(self._path.with_name(self._path.name + ".unreadable"))
            return False
        return True

    def _work(self) -> None:
        while not self._closing.wait(self._interval_s):
            self.save()


def _dump(state: State) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "users": [asdict(user) for user in state.users.values()],
        "chats": [
            {
                "id": chat.id,
                "type": chat.type,
                "title": chat.title,
                "members": chat.members,
                "privacy": chat.privacy,
                "without_bot": chat.without_bot,
                "topics": chat.topics,
                "last_id": chat.last_id,
                "menu": chat.command_menu,
                "started": chat.started,
                "blocked": chat.blocked,
                "revision": chat.revision,
                "keyboard": chat.keyboard,
                "keyboard_message_id": chat.keyboard_message_id,
                "keyboard_users": chat.keyboard_users,
                "messages": [asdict(message) for message in list(chat.messages.values())[-KEPT_MESSAGES:]],
            }
            for chat in state.chats.values()
        ],
        "files": [[file_id, name, base64.b64encode(data).decode()] for file_id, (name, data) in state.files.items()],
        "updates": list(state.updates),
        "next": [state.next_update_id, state.next_message_id, state.next_serial],
        "profile": state.profile,
        "photo": state.photo_file_id,
        "shop": state.shop,
    }


def _restore(state: State, kept: dict[str, Any]) -> None:
    with state.lock:
        for user in kept["users"]:
            state.add_user(User(**user))
        for row in kept["chats"]:
            if row.get("type", "private") != "private":
                state.add_group(row["id"], row["title"], tuple(row["members"]), row["privacy"])
            chat = state.chats[row["id"]]
            chat.without_bot = row.get("without_bot", False)
            chat.topics = {int(topic_id): name for topic_id, name in dict(row.get("topics") or {}).items()}
            chat.last_id, chat.command_menu = row.get("last_id", 0), row.get("menu", chat.command_menu)
            chat.keyboard_users = tuple(row.get("keyboard_users", chat.members))
            chat.started, chat.blocked, chat.revision = row["started"], row["blocked"], row["revision"]
            chat.keyboard, chat.keyboard_message_id = row["keyboard"], row["keyboard_message_id"]
            for message in row["messages"]:
                message["entities"] = tuple(message["entities"])
                attachment = message["attachment"]
                message["attachment"] = attachment and Attachment(**attachment)
                chat.messages[message["id"]] = ChatMessage(**message)
        for file_id, name, data in kept["files"]:
            state.files[file_id] = (name, base64.b64decode(data))
        state.updates.extend(kept["updates"])
        state.next_update_id, state.next_message_id, state.next_serial = kept["next"]
        state.profile, state.photo_file_id = kept["profile"], kept["photo"]
        state.shop |= kept.get("shop", {})
        state.dirty = False
