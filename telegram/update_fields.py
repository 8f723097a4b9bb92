"""The fields of an update that the bot reads, each of the type that the Bot API gives it.

Everything else is left out before telebot sees the update: a kind of origin, reaction or content that only a later
Bot API knows, or a value of another type, costs its own field and not the message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from core.schemas import Json

Fields = dict[str, Any]
OTHER: Final = "other"
SPOKEN: Final = "spoken"  # a mark of the bot's own: the text is what was heard in a voice message
# What a message may be instead of a text. An animation is also sent as a document, a venue as a location.
CONTENT: Final = (
    *(
        "sticker",
        "live_photo",
        "photo",
        "video",
        "video_note",
        "animation",
        "voice",
        "audio",
        "document",
        "venue",
        "location",
    ),
    *("contact", "poll", "dice", "game", "story", "paid_media", "checklist", "rich_message", "web_app_data"),
    *("invoice", "successful_payment", "refunded_payment", "users_shared", "chat_shared", "giveaway"),
)
_MOST_ID: Final = 2**63  # SQLite stores no larger integers


def is_id(value: object) -> bool:
    """Return whether `value` can be an update's or chat's id. JSON's `true` is an int in Python, but no id."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST_ID


def message(value: Fields) -> Fields:
    """Return what the bot reads of a message. Its content is in `content_type` (`OTHER`: not readable)."""
    kept = _fields(value, _MESSAGE)
    if "live_photo" in value and "photo" not in kept and (still := _still_of(value["live_photo"])) is not None:
        kept["photo"] = still
    kept["date"] = kept.get("date", 0)
    chat = kept.get("chat")
    if "from" not in kept and chat is not None and chat["type"] == "private":
        kept["from"] = _user(value["chat"])  # a private chat has its user's id and names
    if "text" in kept:
        return {name: field for name, field in kept.items() if name not in _NEVER_WITH_TEXT}
    content = next((name for name in CONTENT if name in value), None)
    if content is not None:
        kept["content_type"] = content if content not in _CONTENT_FIELDS or content in kept else OTHER
    return kept


def guest_message(value: Fields) -> Fields:
    """Return what the bot reads of a message that calls it into a chat where it is no member."""
    query_id = _text(value.get("guest_query_id"))
    return {**message(value), **({"guest_query_id": query_id} if query_id else {})}


def query(value: Fields) -> Fields:
    """Return what the bot reads of a press of a button."""
    kept = {"chat_instance": "", **_fields(value, _QUERY)}
    if "message" in kept:
        kept["message"] = message(kept["message"])
    return kept


def pre_checkout(value: Fields) -> Fields:
    """Return what the bot reads of the question before a payment."""
    return {"currency": "", "total_amount": 0, "invoice_payload": "", **_fields(value, _PRE_CHECKOUT)}


def subscription(value: Fields) -> Fields:
    """Return what the bot reads of a change of a subscription."""
    return {"invoice_payload": "", "state": "", **_fields(value, _SUBSCRIPTION)}


def inline_query(value: Fields) -> Fields:
    """Return what the bot reads of a query that somebody types in any chat."""
    return {"query": "", "offset": "", **_fields(value, _INLINE_QUERY)}


def chosen_result(value: Fields) -> Fields:
    """Return what the bot reads of a result that was chosen and sent."""
    return {"result_id": "", "query": "", **_fields(value, _CHOSEN_RESULT)}


def stopped(value: Fields) -> Fields:
    """Return what the bot reads of a stopped draft."""
    return _fields(value, _STOPPED)


def membership(value: Fields) -> Fields:
    """Return what the bot reads of a change of its membership; the status of a member may be any text."""
    kept = _fields(value, _MEMBERSHIP)
    return {"date": 0, "old_chat_member": {"status": ""}, "new_chat_member": {"status": ""}, **kept}


def reaction(value: Fields) -> Fields:
    """Return what the bot reads of a changed reaction: the emoji of it, without those that have to be bought."""
    kept = _fields(value, _REACTION)
    return {"date": 0, "old_reaction": [], "new_reaction": [], **kept}


def _emoji(value: Any) -> list[Any] | None:
    if not isinstance(value, list):
        return None
    emoji = (one.get("emoji") for one in value if isinstance(one, dict) and one.get("type") == "emoji")
    return [{"type": "emoji", "emoji": one} for one in emoji if isinstance(one, str)]


def _fields(value: Fields, readers: Mapping[str, Callable[[Any], Json]]) -> Fields:
    kept: Fields = {}
    for name, reader in readers.items():
        if name in value and (field := reader(value[name])) is not None:
            kept[name] = field
    return kept


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if is_id(value) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _anything(value: Any) -> Any:
    return value


def _object(value: Any) -> Fields | None:
    return value if isinstance(value, dict) else None


def _user(value: Any) -> Fields | None:
    if not isinstance(value, dict):
        return None
    return {"id": value.get("id"), "is_bot": False, "first_name": "", **_fields(value, _USER)}


def _chat(value: Any) -> Fields | None:
    if not isinstance(value, dict):
        return None
    chat_id = value.get("id")
    kind = "supergroup" if is_id(chat_id) and int(chat_id or 0) < 0 else "private"
    return {"id": chat_id, "type": kind, **_fields(value, _CHAT)}


def _forwarded(value: Any) -> Fields | None:
    """Return an origin that telebot can read: all that counts is that the message is a forward."""
    return {"type": "hidden_user", "date": 0, "sender_user_name": ""} if isinstance(value, dict) else None


def _quote(value: Any) -> Fields | None:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return None
    return {"text": value["text"], "position": 0, "is_manual": value.get("is_manual") is True}


def _replied(value: Any) -> Fields | None:
    """Return the message that another replies to. In a topic that is the topic's beginning unless a user chose one."""
    if not isinstance(value, dict) or "forum_topic_created" in value or not is_id(value.get("message_id")):
        return None
    return {"date": 0, "chat": _chat(value.get("chat")) or {"id": 0, "type": ""}, **_fields(value, _REPLIED)}


def _voice(value: Any) -> Fields | None:
    if not isinstance(value, dict) or not isinstance(value.get("file_id"), str):
        return None
    return {"file_unique_id": "", "duration": 0, **_fields(value, _VOICE)}


def _photo(value: Any) -> list[Any] | None:
    """Return the sizes of a photo that can be read."""
    sizes = [_fields(size, _PHOTO) for size in value if isinstance(size, dict)] if isinstance(value, list) else []
    kept = [size for size in sizes if {"file_id", "width", "height"} <= size.keys()]
    return [{"file_unique_id": "", **size} for size in kept] or None


def _still_of(value: Any) -> list[Any] | None:
    """Return the photo that a live photo shows while it stands still."""
    return _photo(value.get("photo")) if isinstance(value, dict) else None


def _document(value: Any) -> Fields | None:
    if not isinstance(value, dict) or not isinstance(value.get("file_id"), str):
        return None
    return {"file_unique_id": "", **_fields(value, _DOCUMENT)}


def _more_files(value: Any) -> list[Any] | None:
    """Return the files of the later pieces of a gathered message (`telegram/gathering.py`)."""
    if not isinstance(value, list):
        return None
    return [kept for file in value if isinstance(file, dict) and (kept := _fields(file, _FILES))]


def _pieces(value: Any) -> list[Any] | None:
    """Return the pieces that a gathered message was made of (`telegram/gathering.py`)."""
    return value if isinstance(value, list) else None


def _page_data(value: Any) -> Fields | None:
    if not isinstance(value, dict) or not isinstance(value.get("data"), str):
        return None
    return {"data": value["data"], "button_text": _text(value.get("button_text")) or ""}


def _payment(value: Any) -> Fields | None:
    """Return a payment, or its refund; without Telegram's id of the charge it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("telegram_payment_charge_id"), str):
        return None
    return {"currency": "", "total_amount": 0, "invoice_payload": "", **_fields(value, _PAYMENT)}


def _member(value: Any) -> Fields | None:
    return {"status": _text(value.get("status")) or ""} if isinstance(value, dict) else None


_USER: Final = {
    "id": _anything,  # checked by `updates.read`, as every id that an answer would name
    "is_bot": _flag,
    **dict.fromkeys(("first_name", "last_name", "username", "language_code"), _text),
}
_CHAT: Final = {"id": _anything, "type": _text, "title": _text}
_VOICE: Final = {
    **dict.fromkeys(("file_id", "file_unique_id", "mime_type"), _text),
    **dict.fromkeys(("duration", "file_size"), _number),
}
_PHOTO: Final = {
    "file_id": _text,
    "file_unique_id": _text,
    "width": _number,
    "height": _number,
    "file_size": _number,
}
_DOCUMENT: Final = {
    "file_id": _text,
    "file_unique_id": _text,
    "file_name": _text,
    "mime_type": _text,
    "file_size": _number,
}
_FILES: Final = {"photo": _photo, "document": _document}
_REPLIED: Final = {
    "message_id": _number,
    "date": _number,
    "from": _user,
    "text": _text,
    "caption": _text,
    **_FILES,
}
_CONTENT_FIELDS: Final = {
    "voice": _voice,
    "web_app_data": _page_data,
    "successful_payment": _payment,
    "refunded_payment": _payment,
}
_MESSAGE: Final = {
    "message_id": _anything,
    "date": _number,
    "chat": _chat,
    "from": _user,
    "sender_chat": _chat,
    "via_bot": _user,
    "text": _text,
    "caption": _text,
    "quote": _quote,
    "reply_to_message": _replied,
    "forward_origin": _forwarded,
    "is_automatic_forward": _flag,
    "media_group_id": _text,
    "message_thread_id": _number,
    "is_topic_message": _flag,
    "migrate_to_chat_id": _number,
    "gathered": _pieces,
    "more_files": _more_files,
    SPOKEN: _flag,
    **_FILES,
    **_CONTENT_FIELDS,
}
_NEVER_WITH_TEXT: Final = {"migrate_to_chat_id", *_FILES, *_CONTENT_FIELDS}
_QUERY: Final = {
    "id": _anything,
    "from": _user,
    "message": _object,
    "chat_instance": _text,
    "inline_message_id": _text,
    "data": _text,
}
_PAYMENT: Final = {
    "currency": _text,
    "total_amount": _number,
    "invoice_payload": _text,
    "telegram_payment_charge_id": _text,
    "provider_payment_charge_id": _text,
    "subscription_expiration_date": _number,
    "is_recurring": _flag,
    "is_first_recurring": _flag,
}
_PRE_CHECKOUT: Final = {
    "id": _anything,
    "from": _user,
    "currency": _text,
    "total_amount": _number,
    "invoice_payload": _text,
}
_SUBSCRIPTION: Final = {"user": _user, "invoice_payload": _text, "state": _text}
_INLINE_QUERY: Final = {"id": _anything, "from": _user, "query": _text, "offset": _text}
_CHOSEN_RESULT: Final = {"result_id": _text, "from": _user, "query": _text}
_STOPPED: Final = {"chat": _chat, "draft_id": _number, "message_thread_id": _number}
_REACTION: Final = {"chat": _chat, "message_id": _anything, "user": _user, "date": _number, "new_reaction": _emoji}
_MEMBERSHIP: Final = {
    "chat": _chat,
    "from": _user,
    "date": _number,
    "old_chat_member": _member,
    "new_chat_member": _member,
}
