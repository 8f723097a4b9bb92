"""Phrases that mark a machine's prose, counted in a text; they stand in `locales/*/phrases.toml`. Pure."""

from __future__ import annotations

import re
from functools import cache

from conversation.phrases import any_of


def cliches_in(text: str) -> list[str]:
    """Return the worn phrases of a text as they stand there, in order."""
    return [match[0] for match in _cliche().finditer(text)]


@cache
def _cliche() -> re.Pattern[str]:
    return re.compile(rf"\b{any_of('cliche')}", re.IGNORECASE)
