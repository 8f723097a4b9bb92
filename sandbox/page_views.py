"""Build the JSON of the chat page: the bot's profile, chats, messages, and what changes in them."""

from __future__ import annotations

from sandbox.newer import EFFECTS
from sandbox.recording import words_in
from sandbox.telegram_api import BotApi
from sandbox.telegram_profile import commands_for
from sandbox.telegram_state import Chat, ChatMessage, Json, State

SHOWN_MESSAGES = 300


def everything(api: BotApi, lines: Json) -> Json:
    """Return everything; `lines` stand on top of the page."""
    chats = api.state.chats.values()
    return {"kind": "everything", "bot": _bot(api, lines), "chats": [chat_view(api, chat) for chat in chats]}


def view(api: BotApi, event: Json, lines: Json) -> Json:
    """Return what an event of the state changes on the page."""
    chat = api.state.chats.get(event["chat"])
    kind = event["kind"]
    if kind == "profile" or chat is None:
        profiles = {chat.id: _profile(api, chat) for chat in api.state.chats.values()}
        return {"kind": "profile", "bot": _bot(api, lines), "profiles": profiles}
    if kind == "chat":
        return {"kind": "chat", "chat": chat_view(api, chat)}
    shown = {**event, **_status(api.state, chat)}
    if kind in ("message", "delete"):
        shown["message"] = _message(api.state, chat.messages[event["id"]])
    return shown


def chat_view(api: BotApi, chat: Chat) -> Json:
    """Return a chat as the page draws it: its members, the bot's profile, the latest messages and what goes on."""
    users = api.state.users
    messages = [message for message in chat.messages.values() if not message.deleted][-SHOWN_MESSAGES:]
    members = [users[id] for id in chat.members]
    return {
        "id": chat.id,
        "type": chat.type,
        "name": chat.title or users[chat.id].first_name,
        "members": [{"id": user.id, "name": user.first_name, "language": user.language_code} for user in members],
        "started": chat.started or chat.without_bot,
        "withoutBot": chat.without_bot,
        "blocked": chat.blocked,
        **_profile(api, chat),
        "topics": [{"id": topic_id, "name": name} for topic_id, name in chat.topics.items()],
        "messages": [_message(api.state, message) for message in messages],
        **_status(api.state, chat),
    }


def _bot(api: BotApi, lines: Json) -> Json:
    photo = api.state.photo_file_id
    return {
        "name": _text(api.state, "names", "ru") or api.name,
        "username": api.username,
        "photo": f"/page/files/{photo}" if photo in api.state.files else "",
        **lines,
    }


def _profile(api: BotApi, chat: Chat) -> Json:
    """Return the bot's profile as this chat shows it: in its user's language, in a group in Russian."""
    state = api.state
    language = state.users[chat.id].language_code if chat.type == "private" else "ru"
    menu = chat.command_menu if chat.command_menu["type"] != "default" else state.profile["menu"]
    return {
        "profile": {
            "name": _text(state, "names", language) or api.name,
            "description": _text(state, "descriptions", language),
            "about": _text(state, "shorts", language),
            "menu": menu if chat.type == "private" else {"type": "default"},
            "commands": commands_for(state, chat.id, language),
        }
    }


def _text(state: State, table: str, language: str) -> str:
    texts = state.profile[table]
    return str(texts.get(language) or texts.get("") or "")


def _status(state: State, chat: Chat) -> Json:
    """Return the present keyboard, draft and action of the bot."""
    now = state.clock()
    draft = state.draft(chat)
    keyboards = {"keyboards": _keyboards(chat)} if chat.topics and chat.type == "private" else {}
    return {
        **keyboards,
        "keyboard": {**chat.keyboard, "users": chat.keyboard_users} if chat.keyboard else None,
        "draft": draft
        and {
            "id": draft.draft_id,
            "text": draft.text,
            "topic": draft.topic_id,
            "entities": [dict(entity) for entity in draft.entities],
            "canStop": draft.can_stop,
            "leftMs": int((draft.ends_at - now) * 1000),
        },
        "action": chat.action if chat.action_until > now else "",
        "actionMs": max(0, int((chat.action_until - now) * 1000)),
    }


def _keyboards(chat: Chat) -> Json:
    """Return the reply keyboard that each topic of a private chat shows: that of its newest message with one."""
    found: Json = {}
    for message in reversed(chat.messages.values()):
        keyboard = (message.markup or {}).get("keyboard")
        if keyboard and not message.deleted:
            found.setdefault(str(message.topic_id), {**(message.markup or {}), "users": chat.members})
    return found


def _message(state: State, message: ChatMessage) -> Json:
    attachment = message.attachment
    return {
        "id": message.id,
        "sender": 0 if message.from_bot else message.sender_id,
        "date": message.date,
        "topic": message.topic_id,
        "text": message.text,
        "entities": [dict(entity) for entity in message.entities],
        "buttons": [list(row) for row in (message.markup or {}).get("inline_keyboard", ())],
        "edited": message.edited,
        "deleted": message.deleted,
        "replyTo": message.reply_to,
        "effect": EFFECTS.get(message.effect, ""),
        "onlyFor": message.only_for,
        "reactions": sorted(set((message.reactions or {}).values())),
        "service": _service(state, message),
        "invoice": (message.more or {}).get("invoice"),
        "via": ((message.more or {}).get("via_bot") or {}).get("username", ""),
        "preview": ((message.more or {}).get("link_preview_options") or {}).get("url", ""),
        "file": attachment
        and {
            "kind": attachment.kind,
            "name": attachment.name,
            "size": attachment.size,
            "seconds": attachment.seconds,
            "url": f"/page/files/{attachment.file_id}",
            "words": _words(state, attachment.file_id) if message.from_bot and attachment.kind == "voice" else "",
        },
    }


def _words(state: State, file_id: str) -> str:
    """Return what a voice message of the bot says, for the page to read aloud; empty if it doesn't carry its words."""
    _, data = state.files.get(file_id, ("", b""))
    return words_in(data) or ""


def _service(state: State, message: ChatMessage) -> Json | None:
    """Return a service message: the key of a text in `page/texts.js`, and its values; None for any other message."""
    service = message.service or {}
    if "web_app_data" in service:
        return {"kind": "app_sent_data", "button": service["web_app_data"]["button_text"]}
    for kind, text in (("forum_topic_created", "topic_made"), ("forum_topic_edited", "topic_named")):
        if kind in service:
            return {"kind": text, "name": service[kind]["name"]}
    for kind in ("successful_payment", "refunded_payment"):
        if kind in service:
            return {"kind": kind, "stars": service[kind]["total_amount"]}
    joined = service.get("new_chat_members", ())
    if not joined:
        return None
    names = ", ".join(user["first_name"] for user in joined)
    return {"kind": "joined", "name": state.users[message.sender_id].first_name, "names": names}
