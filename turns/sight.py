"""Which models take pictures, and about what a picture costs with each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ai import vision
from ai.catalog import Model
from ai.registry import ModelRegistry
from core.sent_files import SentFile
from gpt import GPT

FILES_SHARE: Final = 0.6  # of the prompt budget, that the files of a question may take
_UNKNOWN_SIDES: Final = (vision.SIDE_PX, vision.SIDE_PX * 3 // 4)  # of a picture that was sent as a document


class Sight:
    """What is known of models and pictures: by the catalog, by servers' lists, and by what servers have refused."""

    def __init__(self, *, registry: ModelRegistry, gpt: GPT) -> None:
        self._registry = registry
        self._gpt = gpt

    def takes_pictures(self, model: Model) -> bool:
        """Return whether a model takes pictures, as far as is known. No network."""
        return model.pixels_per_token > 0 and not self._gpt.refuses_pictures(model.name)

    def cheapest(self) -> Model | None:
        """Return the model with the cheapest input among those that take pictures; None if there is none."""
        models = [model for model in self._registry.models if self.takes_pictures(model)]
        return min(models, key=lambda model: model.weight.input, default=None)

    def price(self, files: Sequence[SentFile], model: Model, prompt_budget: int) -> int:
        """Return about what the pictures among the files cost, in the tokens that users pay with."""
        pictures = [file for file in files if file.kind == "picture"]
        if not pictures or not model.pixels_per_token:
            return 0
        pixels = pixels_each(len(files), model, prompt_budget)
        tokens = 0
        for file in pictures:
            width, height = (file.width, file.height) if file.width and file.height else _UNKNOWN_SIDES
            tokens += vision.tokens_of(*vision.size_for(width, height, pixels), model.pixels_per_token)
        return model.weight.of(tokens)


def tokens_each(number: int, prompt_budget: int) -> int:
    """Return how many tokens of a prompt each of so many files may take."""
    return int(prompt_budget * FILES_SHARE) // max(1, number)


def pixels_each(number: int, model: Model, prompt_budget: int) -> int:
    """Return how many pixels each of so many files may have as a picture."""
    return tokens_each(number, prompt_budget) * model.pixels_per_token
