"""The files that a talk's question is about: fetched, read and fitted into its prompt.

A file goes with its own question, and again with the next `FOLLOW_UPS` questions if they bring no file of their own.
Later only its name stands in the prompt. Nothing of its content is stored: it is fetched from Telegram each time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ai import vision
from ai.catalog import Model
from config import Config
from core.cancellation import Cancel
from core.errors import FileUnreadable, PicturesRefused, TelegramError
from core.logs import event
from core.schemas import Picture
from core.sent_files import SentFile
from database import Prompt
from turns import limits
from turns.documents.reading import read_document
from turns.passages import passages_about
from turns.sight import Sight, pixels_each, tokens_each
from turns.telegram_files import TelegramFiles

log = logging.getLogger(__name__)

FOLLOW_UPS: Final = 2


@dataclass(frozen=True, slots=True)
class Attached:
    """What a prompt has of files, by the id of the question that they came with.

    `read_part` is set if a document is too long: how many of its characters are there, and how many it has.
    """

    pictures: Mapping[int, tuple[Picture, ...]] = field(default_factory=dict)
    texts: Mapping[int, str] = field(default_factory=dict)
    read_part: tuple[int, int] | None = None


NOTHING_ATTACHED: Final = Attached()


class AttachedFiles:
    """Loads files in the thread of a turn."""

    def __init__(
        self,
        *,
        config: Config,
        sight: Sight,
        estimate: Callable[[str, Model], int],
        files: TelegramFiles,
    ) -> None:
        self._config = config
        self.sight = sight
        self._estimate = estimate
        self._files = files

    def load(self, prompts: Sequence[Prompt], model: Model, cancel: Cancel) -> Attached:
        """Return the files for the last of the prompts, which is a question. Blocks; no tokens are held meanwhile.

        Raises `FileUnreadable`, `PicturesRefused`, `ModelCancelled`, `ModelAway` or `TelegramError` if the question
        itself brings a file; an earlier one that can't be had is left out.
        """
        subject = _subject(prompts)
        if subject is None:
            return NOTHING_ATTACHED
        words = prompts[-1].text
        if subject is prompts[-1]:
            return self._loaded(subject, words, model, cancel)
        try:  # that only a part is read, was said with the first question
            return replace(self._loaded(subject, words, model, cancel), read_part=None)
        except (FileUnreadable, PicturesRefused, TelegramError) as error:
            event(log, logging.INFO, "earlier_file_left_out", prompt=subject.id, error=str(error))
            return NOTHING_ATTACHED

    def _loaded(self, subject: Prompt, words: str, model: Model, cancel: Cancel) -> Attached:
        pictures = [file for file in subject.files if file.kind == "picture"]
        if pictures and not self.sight.takes_pictures(model):
            raise PicturesRefused(f"{model.name} takes no pictures")
        budget, number = limits.prompt_budget(self._config, model.context_tokens), len(subject.files)
        pixels = pixels_each(number, model, budget)
        seen = tuple(self._picture(file, pixels, model, cancel) for file in pictures)
        text, read_part = "", None
        for file in subject.files:
            if file.kind == "text":
                whole = read_document(self._files.fetch(file.file_id, cancel), file.name).text
                text = self._fitted(whole, words, tokens_each(number, budget), model)
                read_part = (len(text), len(whole)) if len(text) < len(whole) else None
        return Attached({subject.id: seen} if seen else {}, {subject.id: text} if text else {}, read_part)

    def _picture(self, file: SentFile, pixels: int, model: Model, cancel: Cancel) -> Picture:
        content = self._files.fetch(file.file_id, cancel)
        return vision.prepared(content, pixels=pixels, pixels_per_token=model.pixels_per_token)

    def _fitted(self, text: str, words: str, tokens: int, model: Model) -> str:
        """Return the text, or so much of it as the tokens allow: its beginning, and what is nearest to the words."""
        whole = self._estimate(text, model)
        if whole <= tokens:
            return text
        return passages_about(text, words, most_chars=len(text) * tokens // whole)


def _subject(prompts: Sequence[Prompt]) -> Prompt | None:
    """Return the question whose files the last question is about; None if there is none."""
    asked = [prompt for prompt in prompts if prompt.role == "user"]
    return next((prompt for prompt in reversed(asked[-1 - FOLLOW_UPS :]) if prompt.files), None)
