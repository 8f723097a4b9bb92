"""Parse Telegram's HTML subset into text and entities, and find the entities that Telegram finds by itself.

Covers the tags of `parse_mode=HTML`, their nesting and the errors that Telegram answers. Doesn't cover Markdown: such
text is shown as it stands.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.contract import units

Entity = Mapping[str, Any]  # as the Bot API has it: type, offset, length, and what the type needs

TAGS: Mapping[str, str] = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
TOKEN = re.compile(r"<[^<>]*>|<|&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
TAG = re.compile(r"<\s*(/?)\s*([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[^<>]*)?)\s*>")
ATTRIBUTE = re.compile(r"([a-zA-Z_-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"«»]+[^\s<>\"«».,!?:;)])"
    r"|(?<![\w/<>])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?)(?![\w/<>])"
    r"|(?<!\w)(?P<mention>@[A-Za-z]\w{3,31})"
    r"|(?<!\w)(?P<hashtag>#[^\W\d]\w*)"
)


class MarkupError(ValueError):
    """The text can't be parsed; the message is Telegram's own, after "can't parse entities: "."""


@dataclass(frozen=True, slots=True)
class _Started:
    tag: str
    offset: int
    extra: Mapping[str, Any]


def parse_html(source: str) -> tuple[str, tuple[Entity, ...]]:
    """Return the plain text and its entities in order. Raises `MarkupError` where Telegram refuses."""
    text: list[str] = []
    length = position = 0
    stack: list[_Started] = []
    entities: list[dict[str, Any]] = []
    for match in TOKEN.finditer(source):
        before = source[position : match.start()]
        text.append(before)
        length += units(before)
        position = match.end()
        token = match.group()
        if token.startswith("&"):
            character = html.unescape(token)
            text.append(character)
            length += units(character)
            continue
        at = len(source[: match.start()].encode())
        tag = TAG.fullmatch(token)
        if tag is None:
            raise MarkupError(f'Unsupported start tag "{token[1:].rstrip(">")[:30]}" at byte offset {at}')
        closing, name, attributes = tag.group(1), tag.group(2).lower(), tag.group(3)
        if not closing:
            stack.append(_start(name, attributes, length, at, stack))
            continue
        if not stack:
            raise MarkupError(f"Unexpected end tag at byte offset {at}")
        if stack[-1].tag != name:
            raise MarkupError(
                f'Unmatched end tag at byte offset {at}, expected "</{stack[-1].tag}>", found "</{name}>"'
            )
        started = stack.pop()
        if length > started.offset and not (name == "pre" and _is_code_of(entities, started.offset)):
            entities.append(_entity(started, length))
    if stack:
        offset = len(source.encode())
        raise MarkupError(f'Can\'t find end tag corresponding to start tag "{stack[-1].tag}" at byte offset {offset}')
    text.append(source[position:])
    entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return "".join(text), tuple(entities)


def _start(name: str, attributes: str, offset: int, at: int, stack: Sequence[_Started]) -> _Started:
    if name not in TAGS:
        raise MarkupError(f'Unsupported start tag "{name}" at byte offset {at}')
    found = {key.lower(): a or b or c for key, a, b, c in ATTRIBUTE.findall(attributes)}
    extra: dict[str, Any] = {}
    if name == "span" and found.get("class") != "tg-spoiler":
        raise MarkupError(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    if name == "a":
        extra["url"] = html.unescape(found.get("href", ""))
    if name == "tg-emoji":
        extra["custom_emoji_id"] = found.get("emoji-id", "")
    if name == "code" and stack and stack[-1].tag == "pre" and found.get("class", "").startswith("language-"):
        extra["language"] = found["class"].removeprefix("language-")
    if name == "blockquote" and "expandable" in found:
        extra["expandable"] = True
    return _Started(name, offset, extra)


def _entity(started: _Started, end: int) -> dict[str, Any]:
    kind = TAGS[started.tag]
    extra = dict(started.extra)
    if extra.pop("expandable", False):
        kind = "expandable_blockquote"
    if "language" in extra:
        kind = "pre"
    return {"type": kind, "offset": started.offset, "length": end - started.offset, **extra}


def _is_code_of(entities: Sequence[Entity], offset: int) -> bool:
    """Merge `<pre><code class="language-…">` into one entity with the language."""
    return bool(entities) and "language" in entities[-1] and entities[-1]["offset"] == offset


def stripped(text: str, entities: Sequence[Entity]) -> tuple[str, tuple[Entity, ...]]:
    """Return the text without spaces around it, and the entities moved and cut to it."""
    lead = units(text) - units(text.lstrip())
    text = text.strip()
    size = units(text)
    kept: list[Entity] = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, size)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return text, tuple(kept)


def found_entities(text: str) -> tuple[Entity, ...]:
    """Return links, commands, mentions and hashtags, which Telegram marks in any text."""
    return tuple(
        {
            "type": match.lastgroup,
            "offset": units(text[: match.start(match.lastgroup or 0)]),
            "length": units(match.group(match.lastgroup or 0)),
        }
        for match in FOUND.finditer(text)
    )


def with_found(text: str, entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """Return the given entities and the found ones that don't overlap them."""
    if not any(mark in text for mark in "/@#"):
        return tuple(entities)
    taken = [(entity["offset"], entity["offset"] + entity["length"]) for entity in entities]
    extra = [
        entity
        for entity in found_entities(text)
        if all(entity["offset"] >= end or entity["offset"] + entity["length"] <= start for start, end in taken)
    ]
    return tuple(sorted([*entities, *extra], key=lambda entity: (entity["offset"], -entity["length"])))
