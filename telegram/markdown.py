"""A model's Markdown as Telegram shows it: plain text, and the places of its bold words, lists and code.

Formatting goes as `entities` beside the text, so that there is no markup which Telegram could refuse to parse, and
no letter that has to be escaped. Reading the Markdown is `telegramify-markdown`'s; here are its settings, the cut
into messages, and what a model may not slip in: links to anything but the web, and tags that swallow text.
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

MOST_ENTITIES: Final = 100  # that Telegram takes in a message; it drops the rest

_LESS: Final = "\ue0ff"  # of the private use area: stands for «<» meanwhile, and is as long
_WEB: Final = re.compile(r"https?://[^\s\ue0ff]+", re.IGNORECASE)
_URL_CHARS: Final = 2048
# The reader takes time by the cube of how deep quotes and lists stand in each other: 6 s for 16 KB of «> - > - …».
_MOST_CHARS: Final = 30_000
_DEEP: Final = re.compile(r"^[ \t]*(?:(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))[ \t]*){9}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rich:
    """One message: at most 4,096 UTF-16 units of text, and its entities as the Bot API's JSON."""

    text: str
    entities: tuple[dict[str, Json], ...]

    @property
    def params(self) -> dict[str, Json]:
        """The parameters of `sendMessage` that carry it."""
        return {"text": self.text, "entities": list(self.entities)} if self.entities else {"text": self.text}


def pieces(markdown: str, limit: int = MESSAGE_UNITS) -> list[Rich]:
    """The messages that show a Markdown text, each of at most `limit` units; none where it has no letter."""
    if len(markdown) > _MOST_CHARS or _DEEP.search(markdown):  # nobody's list: it goes as it is
        return [Rich(piece, ()) for piece in split(markdown.rstrip(), limit)]
    from telegramify_markdown import convert  # 30 ms, and only who chats needs it

    # `<` never begins a tag: what looks like one is a model's «List<int>», and a tag would take its words away.
    text, entities = convert(markdown.replace(_LESS, "").replace("<", _LESS), config=_settings())
    text = text.replace(_LESS, "<").rstrip()
    kept = [entity for entity in entities if entity.length > 0 and _allowed(entity)]
    found = []
    place = offset = 0
    for piece in split(text, limit):
        start = text.index(piece, place)  # only white space is lost between two pieces
        offset += utf16_length(text[place:start])
        length = utf16_length(piece)
        found.append(Rich(piece, tuple(_within(kept, offset, length))[:MOST_ENTITIES]))
        place, offset = start + len(piece), offset + length
    return found


@cache
def _settings() -> RenderConfig:
    """How Markdown is shown: headings bold and without a picture, plain dots before the items of a list."""
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
    """The parts of entities that lie in a piece, counted from its beginning."""
    found: list[dict[str, Json]] = []
    for entity in entities:
        start = max(entity.offset, offset)
        end = min(entity.offset + entity.length, offset + length)
        if start < end:
            found.append({**entity.to_dict(), "offset": start - offset, "length": end - start})
    return found
