"""Which voice fits who answers: the vendors' voices for built-in characters, and a guess for others. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from database import AnswerVoice, Character

# Names of voices: SpeechKit's, then those of OpenAI. The first that the service has is taken.
_WOMAN: Final = ("marina", "nova")
_MAN: Final = ("filipp", "onyx")
_OF_CHARACTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "panteley": ("kirill", "fable"),
    "yaga": ("marina", "coral"),
    "koschei": ("alexander", "onyx"),
    "goldfish": ("dasha", "shimmer"),
    "scheherazade": ("marina", "nova"),
    "munchausen": ("filipp", "fable"),
    "quixote": ("alexander", "ash"),
    "socrates": ("filipp", "onyx"),
    "volsky": ("kirill", "echo"),
    "fedya": ("kirill", "ash"),
    "aglaya": ("dasha", "coral"),
    "lumen": ("alexander", "alloy"),
    "tilly": ("dasha", "shimmer"),
    "evstigney": ("filipp", "onyx"),
}
_SHE: Final = re.compile(r"\b(?:она|её|ее|ей|ней|неё|she|her|hers|woman|girl|женщина|девушка|девочка)\b", re.IGNORECASE)
_HE: Final = re.compile(r"\b(?:он|его|ему|нём|него|he|his|him|man|boy|мужчина|парень|мальчик)\b", re.IGNORECASE)


def voice_for(chosen: AnswerVoice, character: Character | None, voices: Sequence[str]) -> str:
    """Return the chosen voice if the service has it, else a fitting one; the assistant's is the service's default."""
    if chosen.voice in voices:
        return chosen.voice
    wanted = _fitting(character) if character is not None else ()
    return next((voice for voice in wanted if voice in voices), voices[0])


def _fitting(character: Character) -> tuple[str, ...]:
    """Return names of voices for a character; for one of a user's own by pronouns in its texts, then by its name."""
    if (of_key := _OF_CHARACTERS.get(character.key or "")) is not None:
        return of_key
    told = f"{character.persona.line}\n{character.persona.personality}"
    she, he = len(_SHE.findall(told)), len(_HE.findall(told))
    if she != he:
        return _WOMAN if she > he else _MAN
    first_name = character.name.split()[0].lower() if character.name.split() else ""
    return _WOMAN if first_name.endswith(("а", "я", "a")) else _MAN
