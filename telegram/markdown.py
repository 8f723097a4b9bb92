"""Turn a model's Markdown into Telegram messages: plain text with entities.

Entities need no escaping, and there is no markup that Telegram could refuse to parse. `telegramify-markdown` reads the
Markdown. Here are its settings, the split into messages, and the filter of what a model must not send: links to
anything but the web, and tags that swallow text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from core.schemas import Json
from core.text import MESSAGE_UNITS, split, utf16_length

if TYPE_CHECKING:
    from telegramify_markdown import MessageEntity, RenderConfig

MOST_ENTITIES: Final = 100  # Telegram drops any above this number

_LESS: Final = "\ue0ff"  # a private-use character in place of «<» while parsing; it has the same length
_WEB: Final = re.compile(r"https?://[^\s\ue0ff]+", re.IGNORECASE)
_URL_CHARS: Final = 2048
# Parsing takes cubic time in the depth of nested quotes and lists: 6 s for 16 KB of «> - > - …».
_MOST_CHARS: Final = 30_000
_DEEP: Final = re.compile(r"^[ \t]*(?:(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))[ \t]*){9}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rich:
    """One message: at most 4,096 UTF-16 units of text, and its entities as the Bot API's JSON."""

    text: str
    entities: tuple[dict[str, Json], ...]

    @property
    def params(self) -> dict[str, Json]:
        """The text parameters of `sendMessage`."""
        return {"text": self.text, "entities": list(self.entities)} if self.entities else {"text": self.text}


def pieces(markdown: str, limit: int = MESSAGE_UNITS) -> list[Rich]:
    """Return the messages that show a Markdown text, each of at most `limit` units; none for an empty text."""
    if len(markdown) > _MOST_CHARS or _DEEP.search(markdown):  # too costly to parse: send it as it is
        return [Rich(piece, ()) for piece in split(markdown.rstrip(), limit)]
    from telegramify_markdown import convert  # takes 30 ms, and only chats need it

    # `<` never starts a tag here: the model means «List<int>», and a tag would swallow the text.
    text, entities = convert(markdown.replace(_LESS, "").replace("<", _LESS), config=_settings())
    text = text.replace(_LESS, "<").rstrip()
    kept = [entity for entity in entities if entity.length > 0 and _allowed(entity)]
    found = []
    place = offset = 0
    for piece in split(text, limit):
        start = text.index(piece, place)  # `split` drops only white space between pieces
        offset += utf16_length(text[place:start])
        length = utf16_length(piece)
        found.append(Rich(piece, tuple(_within(kept, offset, length))[:MOST_ENTITIES]))
        place, offset = start + len(piece), offset + length
    return found


@cache
def _settings() -> RenderConfig:
    """Return the settings: bold headings without an icon, plain dots before list items."""
    from telegramify_markdown import RenderConfig

    settings = RenderConfig.isolated()
    symbols = settings.markdown_symbol
    symbols.heading_level_1 = symbols.heading_level_2 = symbols.heading_level_3 = symbols.heading_level_4 = ""
    symbols.unordered_list_item = "•"
    symbols.task_completed, symbols.task_uncompleted = "☑", "☐"
    symbols.horizontal_rule = "———"
    return settings


def _allowed(entity: MessageEntity) -> bool:
    if entity.type != "text_link":
        return entity.type != "text_mention"
    url = entity.url or ""
    return len(url) <= _URL_CHARS and _WEB.fullmatch(url) is not None


def _within(entities: Sequence[MessageEntity], offset: int, length: int) -> list[dict[str, Json]]:
    """Return the parts of the entities that lie in a piece, with offsets counted from its start."""
    found: list[dict[str, Json]] = []
    for entity in entities:
        start = max(entity.offset, offset)
        end = min(entity.offset + entity.length, offset + length)
        if start < end:
            found.append({**entity.to_dict(), "offset": start - offset, "length": end - start})
    return found
