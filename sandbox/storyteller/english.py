"""English names and pronouns for the templates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sandbox.storyteller.data import stock

_PRONOUNS: Final = {
    "he": ("he", "she", "it", "they"),
    "him": ("him", "her", "it", "them"),
    "his": ("his", "her", "its", "their"),
    "himself": ("himself", "herself", "itself", "themselves"),
    "was": ("was", "was", "was", "were"),
    "had": ("had", "had", "had", "had"),
}
_FIRST: Final = {"he": "I", "him": "me", "his": "my", "himself": "myself", "was": "was", "had": "had"}
_SHE: Final = re.compile(
    r"\b(?:she|her|hers|girl|woman|lady|queen|princess|witch|widow|granny|mother|sister|daughter|aunt|auntie|niece|wife"
    r"|nanny|nurse|madam|mrs|miss|ms|actress|postwoman|bride|captain agatha)\b",
    re.IGNORECASE,
)
_HE: Final = re.compile(
    r"\b(?:he|his|him|boy|man|king|prince|wizard|father|brother|son|uncle|nephew|husband|mr|sir|lord|knight|monk"
    r"|cabin boy|groom)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Name:
    """A person or a thing with its gender: m, f, n or p. `first`: the hero tells the story."""

    text: str
    gender: str = "n"
    first: bool = False

    def case(self, name: str) -> str:
        """Return the name, or a pronoun: nom, he, him, his, himself, was."""
        if name in _PRONOUNS:
            return _FIRST[name] if self.first else _PRONOUNS[name]["mfnp".index(self.gender)]
        if name == "poss":
            return "my" if self.first else f"{self.text}’s"
        if self.first:
            return "me" if name == "obj" else "I"
        return f"the {self.text[4:]}" if self.text.startswith("The ") else self.text

    def agree(self, word: str) -> str:
        """Return the word as it is: English verbs of the past have one form."""
        return word


def gender_of(text: str, about: str = "") -> str:
    """Return m, f, or p where the words don't say."""
    name = short_name(text).lower()
    if name in stock("en").words("she_names") or _SHE.search(text):
        return "f"
    if name in stock("en").words("he_names") or _HE.search(text):
        return "m"
    if _SHE.search(about):
        return "f"
    return "m" if _HE.search(about) else "p"


def short_name(text: str) -> str:
    """Return Wren of “Wren the Mapmaker”, Percy of “Sir Percy the Ghost”, “the friend” of “Three friends”."""
    if counted := re.fullmatch(r"(?:two|three|four|five|several|some|a few|a couple of) (?:\w+ )*?(\w+?)s", text, re.I):
        return f"the {counted[1].lower()}"
    called = re.split(r",| (?:the|on|of) ", text)[0]
    words = called.split() or [text]
    if words[0] in ("The", "A", "An") or len(words) > 3 or words[0].endswith(("'s", "’s")):
        return text
    while len(words) > 1 and words[0].lower() in stock("en").words("titles"):
        words = words[1:]
    return words[0] if words[0][:1].isupper() else text
