"""Build the Bot API's JSON of users, chats and messages."""

from __future__ import annotations

from typing import Any

from sandbox.telegram_state import BOT_ID, Attachment, Chat, ChatMessage, Json, State, User


def bot_json(state: State, username: str, name: str) -> Json:
    """Return the bot as Telegram's `User`; the name it set itself goes before `name`."""
    return {
        "id": BOT_ID,
        "is_bot": True,
        "first_name": state.profile["names"].get("", "") or name,
        "username": username,
    }


def user_json(user: User) -> Json:
    """Return a user as Telegram's `User`, without empty fields."""
    value: Json = {"id": user.id, "is_bot": False, "first_name": user.first_name}
    if user.last_name:
        value["last_name"] = user.last_name
    if user.username:
        value["username"] = user.username
    if user.language_code:
        value["language_code"] = user.language_code
    return value


def chat_json(state: State, chat: Chat) -> Json:
    """Return Telegram's `Chat`: a title for a group, the user's names for a private one."""
    if chat.type != "private":
        return {"id": chat.id, "type": chat.type, "title": chat.title}
    value = {**user_json(state.users[chat.id]), "type": "private"}
    value.pop("is_bot")
    value.pop("language_code", None)
    return value


def message_json(state: State, bot: Json, chat: Chat, message: ChatMessage, *, nested: bool = False) -> Json:
    """Return the message; the message it replies to is nested, without its own reply."""
    sender = bot if message.from_bot else user_json(state.users[message.sender_id])
    value: Json = {
        "message_id": message.id,
        "from": sender,
        "chat": chat_json(state, chat),
        "date": message.date,
    }
    if message.only_for:
        value |= {"message_id": 0, "ephemeral_message_id": message.id}
        value["receiver_user"] = user_json(state.users[message.only_for])
    if message.effect:
        value["effect_id"] = message.effect
    if message.edited_at is not None:
        value["edit_date"] = message.edited_at
    if message.attachment is not None:
        value |= attachment_json(message.attachment)
    if message.text:
        name, entities = ("caption", "caption_entities") if message.attachment else ("text", "entities")
        value[name] = message.text
        if message.entities:
            value[entities] = [dict(entity) for entity in message.entities]
    value |= {**(message.service or {}), **(message.more or {})}
    if message.reply_to is not None and not nested:
        replied = state.message(chat, message.reply_to)
        if replied is not None:
            value["reply_to_message"] = message_json(state, bot, chat, replied, nested=True)
    if message.markup and "inline_keyboard" in message.markup:
        value["reply_markup"] = dict(message.markup)
    return value


def add_service_message(
    state: State, bot: Json, chat: Chat, service: Json, *, sender_id: int, topic_id: int = 0
) -> Json:
    """Add a message that says what has happened in a chat; return it as Telegram's `Message`."""
    message = ChatMessage(
        id=0,
        chat_id=chat.id,
        sender_id=sender_id,
        from_bot=sender_id == BOT_ID,
        date=int(state.clock()),
        text="",
        service=service,
        more={"message_thread_id": topic_id, "is_topic_message": True} if topic_id else None,
    )
    return message_json(state, bot, chat, state.add_message(chat, message))


def attachment_json(attachment: Attachment) -> Json:
    """Return a file under the field that a `Message` has for its kind; a photo comes in two sizes."""
    common: Json = {
        "file_id": attachment.file_id,
        "file_unique_id": f"AgAD{attachment.file_id[-8:]}",
        "file_size": attachment.size,
    }
    kind = attachment.kind
    value: Any
    if kind == "photo":
        width, height = attachment.sides or (800, 800)
        small = 90 / max(width, height)
        least = {"width": max(1, int(width * small)), "height": max(1, int(height * small))}
        value = [{**common, **least}, {**common, "width": width, "height": height}]
    elif kind == "sticker":
        value = {
            **common,
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
            "emoji": "😀",
        }
    elif kind == "document":
        value = {**common, "file_name": attachment.name, "mime_type": attachment.mime}
    else:
        value = {**common, "duration": attachment.seconds, "mime_type": attachment.mime}
    return {kind: value}


def membership(bot: Json, status: str) -> Json:
    """Return the bot's membership as `my_chat_member` has it."""
    value: dict[str, Any] = {"user": bot, "status": status}
    return value | {"until_date": 0} if status == "kicked" else value


def membership_change(state: State, bot: Json, chat: Chat, user: User, was: str, now: str) -> Json:
    """Return a `my_chat_member`: this user changes what the bot is in the chat."""
    return {
        "chat": chat_json(state, chat),
        "from": user_json(user),
        "date": int(state.clock()),
        "old_chat_member": membership(bot, was),
        "new_chat_member": membership(bot, now),
    }
