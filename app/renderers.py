"""What makes deferred attachments when they are sent: books, pictures of figures, files of data, texts that grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from config import Config
from conversation.localization import Locales
from core.schemas import DeferredAttachment, Json, RenderedAttachment
from database import Database
from export import talk_formats, talk_record
from export.story_book import file_of
from handlers import privacy
from handlers.usage import PICTURE, TOTALS, Rubles, Statistics
from telegram.markdown import pieces
from telegram.send_growing import GROWING
from turns import guest_answers, partial_answers, work_notices

Renderer = Callable[[DeferredAttachment], RenderedAttachment | None]


def build_renderer(config: Config, db: Database, locales: Locales, rubles: Rubles) -> Renderer:
    """Build what renders deferred attachments; it returns None for an unknown kind."""
    statistics = Statistics(config, db, locales, rubles)
    renderers: dict[str, Renderer] = {
        "book": partial(file_of, db, locales),
        work_notices.NOTICE: partial(work_notices.number_of, db),
        guest_answers.ATTACHMENT: partial(guest_answers.number_of, db),
        GROWING: partial(partial_answers.number_of, db),
        PICTURE: statistics.picture,
        TOTALS: statistics.totals,
        talk_record.ATTACHMENT: partial(talk_record.file_of, db, locales, _formatted, talk_formats.FORMATS),
        privacy.DATA: partial(privacy.data_file, db, locales),
    }

    def render(attachment: DeferredAttachment) -> RenderedAttachment | None:
        renderer = renderers.get(attachment.kind)
        return renderer(attachment) if renderer is not None else None

    return render


def _formatted(markdown: str) -> list[tuple[str, Sequence[Mapping[str, Json]]]]:
    """Return a whole Markdown text as Telegram shows it, for a file."""
    return [(piece.text, piece.entities) for piece in pieces(markdown, limit=2 * len(markdown) + 1)]
