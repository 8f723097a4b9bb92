"""Check a Bot API call against Telegram's contract: methods, parameters, types, required ones, limits, enums.

The table is `contract.json`: method → parameter → types, `|` between alternatives, `[]` for an array, `!` for
required. Covers the methods that a bot of this kind may use (Bot API 10.1, and 10.3's drafts with a stop button,
disabled buttons and ephemeral messages). Doesn't check what depends on the state of a chat or on parsed text, as
`telegram_api` and `telegram_chats` do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.http_wire import Upload

COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")
NUMBER = re.compile(r"-?\d{1,19}")
ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)
ENTITY_TYPES = frozenset(
    [
        "mention",
        "hashtag",
        "cashtag",
        "bot_command",
        "url",
        "email",
        "phone_number",
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "blockquote",
        "expandable_blockquote",
        "code",
        "pre",
        "text_link",
        "text_mention",
        "custom_emoji",
        "date_time",
    ]
)
ENUMS: Mapping[tuple[str, str], frozenset[str]] = {
    ("*", "parse_mode"): frozenset({"HTML", "Markdown", "MarkdownV2", ""}),
    ("sendChatAction", "action"): ACTIONS,
    ("InlineKeyboardButton", "style"): frozenset({"primary", "success", "danger"}),
    ("KeyboardButton", "style"): frozenset({"primary", "success", "danger"}),
    ("MessageEntity", "type"): ENTITY_TYPES,
}
# Lengths of strings in UTF-16 units, of arrays in items, and values of numbers: least and most.
LIMITS: Mapping[tuple[str, str], tuple[int, int]] = {
    ("getUpdates", "limit"): (1, 100),
    ("getUpdates", "timeout"): (0, 50),
    ("setWebhook", "max_connections"): (1, 100),
    ("setWebhook", "secret_token"): (0, 256),
    ("answerCallbackQuery", "text"): (0, 200),
    ("answerCallbackQuery", "callback_query_id"): (1, 64),
    ("setMyName", "name"): (0, 64),
    ("createForumTopic", "name"): (1, 128),
    ("editForumTopic", "name"): (0, 128),
    ("setMyDescription", "description"): (0, 512),
    ("setMyShortDescription", "short_description"): (0, 120),
    ("setMyCommands", "commands"): (1, 100),
    ("deleteMessages", "message_ids"): (1, 100),
    ("BotCommand", "description"): (1, 256),
    ("ReplyKeyboardMarkup", "input_field_placeholder"): (1, 64),
    ("ForceReply", "input_field_placeholder"): (1, 64),
    ("InlineKeyboardButton", "text"): (1, 256),
    ("KeyboardButton", "text"): (1, 256),
    ("CopyTextButton", "text"): (1, 256),
    ("InlineQueryResultsButton", "start_parameter"): (1, 64),
    ("InputTextMessageContent", "message_text"): (1, 4096 * 8),  # before its markup is parsed
    **{(method, "title"): (1, 32) for method in ("sendInvoice", "createInvoiceLink")},
    **{(method, "description"): (1, 255) for method in ("sendInvoice", "createInvoiceLink")},
    ("ReplyParameters", "message_id"): (1, 2**31 - 1),
}
# By the constant in `type`, where a type is one of several.
KINDS: Mapping[str, Mapping[str, str]] = {
    "BotCommandScope": {
        "default": "BotCommandScopeDefault",
        "all_private_chats": "BotCommandScopeAllPrivateChats",
        "all_group_chats": "BotCommandScopeAllGroupChats",
        "all_chat_administrators": "BotCommandScopeAllChatAdministrators",
        "chat": "BotCommandScopeChat",
        "chat_administrators": "BotCommandScopeChatAdministrators",
        "chat_member": "BotCommandScopeChatMember",
    },
    "MenuButton": {"commands": "MenuButtonCommands", "web_app": "MenuButtonWebApp", "default": "MenuButtonDefault"},
    "InlineQueryResult": {"article": "InlineQueryResultArticle", "photo": "InlineQueryResultCachedPhoto"},
    "InputProfilePhoto": {"static": "InputProfilePhotoStatic", "animated": "InputProfilePhotoAnimated"},
    "ReactionType": {
        "emoji": "ReactionTypeEmoji",
        "custom_emoji": "ReactionTypeCustomEmoji",
        "paid": "ReactionTypePaid",
    },
}
MARKUPS = {
    "inline_keyboard": "InlineKeyboardMarkup",
    "keyboard": "ReplyKeyboardMarkup",
    "remove_keyboard": "ReplyKeyboardRemove",
    "force_reply": "ForceReply",
}
EMPTY = {
    "text": "message text is empty",
    "chat_id": "chat_id is empty",
    "message_id": "message identifier is not specified",
}


@dataclass
class Checked:
    """A call's parameters as typed values, what breaks the contract, and Telegram's refusal if it would refuse."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    refusal: str | None = None

    def refuse(self, problem: str, description: str) -> None:
        """Note a problem; the first one's description becomes the answer to the bot."""
        self.problems.append(problem)
        self.refusal = self.refusal or f"Bad Request: {description}"


@dataclass(frozen=True, slots=True)
class _Kind:
    names: tuple[str, ...]
    required: bool


@cache
def _table() -> tuple[dict[str, dict[str, _Kind]], dict[str, dict[str, _Kind]]]:
    raw = json.loads(Path(__file__).with_name("contract.json").read_text("utf-8"))
    return (
        {name: _fields(fields) for name, fields in raw["methods"].items()},
        {name: _fields(fields) for name, fields in raw["types"].items() if isinstance(fields, dict)},
    )


def _fields(fields: Mapping[str, str]) -> dict[str, _Kind]:
    return {name: _Kind(tuple(kind.rstrip("!").split("|")), kind.endswith("!")) for name, kind in fields.items()}


def known_methods() -> frozenset[str]:
    """Return the methods of the Bot API that `contract.json` describes."""
    return frozenset(_table()[0])


def units(text: str) -> int:
    """Return the length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_call(
    method: str, parameters: Mapping[str, Any], files: Mapping[str, Upload], *, typed: bool = False
) -> Checked:
    """Return the call with checked values. `typed`: it came as JSON, so numbers and booleans must be of their type."""
    fields = _table()[0][method]
    checked = Checked()
    for name, value in parameters.items():
        if (kind := fields.get(name)) is None:
            if name not in files and not any(str(sent).endswith(f"attach://{name}") for sent in parameters.values()):
                checked.problems.append(f"{method}: unknown parameter {name}")
            continue
        if value is None or (value == "" and "String" not in kind.names):
            continue
        _Reader(checked, method, typed).read(name, kind.names, value)
    for name, upload in files.items():
        if name in fields and "InputFile" in fields[name].names:
            checked.values[name] = upload
    for name, kind in fields.items():
        if kind.required and name not in checked.values:
            checked.refuse(f"{method}: {name} is missing", EMPTY.get(name, f"{name} is empty"))
    return checked


@dataclass
class _Reader:
    """Reads the parameters of one call; form values are strings, objects in them are JSON."""

    checked: Checked
    method: str
    typed: bool

    def read(self, name: str, kinds: tuple[str, ...], value: Any) -> None:
        """Check one parameter and keep its parsed value; refuse the call if it doesn't fit."""
        where = f"{self.method}.{name}"
        try:
            self.checked.values[name] = self._any(where, kinds, value)
        except ValueError as error:
            description = "object expected as reply markup" if name == "reply_markup" else f"can't parse {name}"
            if str(error) == "BUTTON_DATA_INVALID":
                description = "BUTTON_DATA_INVALID"
            self.checked.refuse(f"{where}: {error}", description)
            return
        self._limits((self.method, name), where, self.checked.values[name])

    def _any(self, where: str, kinds: tuple[str, ...], value: Any) -> Any:
        if kinds == ("Boolean",):
            return self._boolean(value)
        if "Integer" in kinds and (number := self._integer(value, strict="String" not in kinds)) is not None:
            return number
        if "Float" in kinds:
            return float(value)
        if "String" in kinds or kinds == ("InputFile",):
            if not isinstance(value, str):
                raise ValueError(f"a string was expected, not {value!r:.40}")
            return value
        if "Integer" in kinds:
            raise ValueError(f"an integer was expected, not {value!r:.40}")
        return self._structure(where, kinds, json.loads(value) if isinstance(value, str) else value)

    def _boolean(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if not self.typed and str(value).lower() in ("true", "false", "1", "0"):
            return str(value).lower() in ("true", "1")
        raise ValueError(f"a boolean was expected, not {value!r:.40}")

    def _integer(self, value: Any, *, strict: bool) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and NUMBER.fullmatch(value) and not (self.typed and strict):
            return int(value)
        return None

    def _structure(self, where: str, kinds: tuple[str, ...], value: Any) -> Any:
        kind = kinds[0]
        if len(kinds) > 1:
            if not isinstance(value, dict):
                raise ValueError("an object was expected")
            kind = next((MARKUPS[key] for key in MARKUPS if key in value), "")
            if kind not in kinds:
                raise ValueError(f"none of {', '.join(kinds)}")
        if kind.startswith("[]"):
            if not isinstance(value, list):
                raise ValueError("an array was expected")
            return [self._item(f"{where}[{index}]", kind[2:], item) for index, item in enumerate(value)]
        return self._object(where, kind, value)

    def _item(self, where: str, kind: str, value: Any) -> Any:
        """Check a value inside JSON, where everything is typed."""
        if kind in ("String", "Integer", "Boolean", "Float"):
            return _Reader(self.checked, self.method, True)._any(where, (kind,), value)
        return self._structure(where, (kind,), value)

    def _object(self, where: str, kind: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"{where}: an object was expected")
        if kind in KINDS:
            if value.get("type") not in KINDS[kind]:
                raise ValueError(f"{where}: unknown type {value.get('type')!r}")
            kind = KINDS[kind][value["type"]]
        fields = _table()[1][kind]
        for name in value.keys() - fields.keys():
            self.checked.problems.append(f"{where}: unknown field {name}")
        for name, wanted in fields.items():
            if name not in value:
                if wanted.required:
                    raise ValueError(f"{where}: {name} is missing")
                continue
            inner = f"{where}.{name}"
            read = _Reader(self.checked, self.method, True)
            self._limits((kind, name), inner, read._any(inner, wanted.names, value[name]))
        if kind == "InlineKeyboardButton":
            _check_button(value)
        if kind == "BotCommand" and not COMMAND_NAME.fullmatch(value["command"].removeprefix("/")):
            raise ValueError(f"{where}: BOT_COMMAND_INVALID")
        return value

    def _limits(self, key: tuple[str, str], where: str, value: Any) -> None:
        allowed = ENUMS.get(key) or ENUMS.get(("*", key[1]))
        if allowed is not None and value not in allowed:
            self.checked.refuse(f"{where}: {value!r:.40} is not allowed", f"unsupported {key[1]} specified")
        if key in LIMITS:
            least, most = LIMITS[key]
            size = value if isinstance(value, int) else units(value) if isinstance(value, str) else len(value)
            if not least <= size <= most:
                self.checked.refuse(f"{where}: {size} is outside {least}–{most}", f"invalid {key[1]} specified")


def _check_button(button: Mapping[str, Any]) -> None:
    actions = [name for name in button if name not in ("text", "style", "icon_custom_emoji_id")]
    if len(actions) != 1:
        raise ValueError(f"the button {button['text']!r:.40} needs exactly one action")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
        raise ValueError("BUTTON_DATA_INVALID")
