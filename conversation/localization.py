"""Texts, labels and prompts of `locales/<language>/*.toml`, checked when they are loaded.

Reads and checks the files, fills in templates, forms plurals, and finds the key of a pressed label in any language.
Presets are in `conversation/presets.py`. The header of each file explains the template syntax.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conversation import personas
from conversation.presets import Presets, words_of
from core.errors import ConfigError

FALLBACK = "ru"  # for users whose language has no folder
PRESET_NAME_CHARS = 22  # two names share a row on a narrow phone
LABEL_CHARS = 30
PLAIN_LIMITS = {  # the Bot API's limits for texts without markup; the first match counts
    "profile.name": 64,
    "profile.short_description": 120,
    "profile.description": 512,
    "profile.": 256,  # descriptions of commands
    "toast.": 200,
    "webapp.": 300,
    "placeholder": 64,
}
LONG_VALUES = frozenset(
    {"memory", "parts", "part", "tail", "role", "quoted", "words"}
)  # values of prompts that keep their line breaks

_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_LABEL = re.compile(r"\{@(\w+)\}")
_TAG = re.compile(r"<(/?)(b|i|code|blockquote)(?:(?<=<blockquote) expandable)?>")
_NOT_TEXTS = {"label", "alias", "plural", "prompt", "genre", "extras", "characters", "phrases"}


class Html(str):
    """Text that is already Telegram HTML: it is not escaped again as a value of another sentence."""


def _slavic(n: int) -> str:
    if n % 10 == 1 and n % 100 != 11:
        return "one"
    return "few" if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else "many"


def _two_forms(n: int) -> str:
    return "one" if n == 1 else "many"


PLURAL_RULES: Mapping[str, Callable[[int], str]] = {"ru": _slavic}  # other languages: two forms
GROUP_SEPARATORS = {"en": ","}  # between groups of digits; other languages: a no-break space
QUOTES = {"ru": "«»„“", "en": "“”‘’"}  # of each language: the outer pair, the inner pair


class _Quotes:
    """The quotation marks of one language."""

    def __init__(self, language: str) -> None:
        quotes = QUOTES.get(language, QUOTES[FALLBACK])
        self.opening, self.closing = quotes[0], quotes[1]
        self._inner = str.maketrans(quotes[:2], quotes[2:])

    def fitted(self, value: str, before: str) -> str:
        """Return `value` with inner marks in place of outer ones, if a quotation is open at the end of `before`."""
        return value.translate(self._inner) if before.count(self.opening) > before.count(self.closing) else value


class Texts(Presets):
    """All texts of one language, presets included. An unknown key raises `KeyError`."""

    def __init__(self, language: str, tables: Mapping[str, Any]) -> None:
        super().__init__(tables.get("genre", []), tables.get("extras", {}).get("common", []))
        self.language = language
        self.characters = personas.read(tables.get("characters", []))
        self.labels = {key.removeprefix("later."): text for key, text in _flat(tables.get("label", {}))}
        self.aliases: Mapping[str, list[str]] = tables.get("alias", {})
        self.plurals: Mapping[str, Mapping[str, str]] = tables.get("plural", {})
        self.phrases: Mapping[str, list[str]] = tables.get("phrases", {})
        self.plural_form = PLURAL_RULES.get(language, _two_forms)
        self._quotes = _Quotes(language)
        self._prompts = dict(_flat(tables.get("prompt", {})))
        raw = _flat({name: table for name, table in tables.items() if name not in _NOT_TEXTS})
        self._texts = {key: _LABEL.sub(lambda m: self.labels.get(m[1], m[0]), text) for key, text in raw}

    def say(self, key: str, /, **values: object) -> Html:
        """Return a text as Telegram HTML. Values are escaped unless they are `Html`."""
        return Html(self._fill(self._texts[key], values, escape=True))

    def plain(self, key: str, /, **values: object) -> str:
        """Return a text without markup: for pop-ups, placeholders, the bot's profile and logs."""
        return self._fill(html.unescape(_TAG.sub("", self._texts[key])), values, escape=False)

    def label(self, key: str, /, **values: object) -> str:
        """Return a button's label."""
        return self._fill(self.labels[key], values, escape=False)

    def number(self, number: int) -> str:
        """Return a number with grouped digits: 27400 as «27 400», in English as “27,400”."""
        return f"{number:,}".replace(",", GROUP_SEPARATORS.get(self.language, "\N{NO-BREAK SPACE}"))

    def plural(self, key: str, n: int) -> str:
        """Return a counted word: `plural("turns", 9)` is «9 ходов»."""
        return self.plurals[key][self.plural_form(n)].replace("{n}", self.number(n))

    def prompt(self, name: str, /, **values: object) -> str:
        """Return a prompt for the model.

        A line with an empty value is left out. Line breaks in values become spaces, except in `LONG_VALUES`.
        """
        template = self._prompts[name]
        if "{" not in template:
            return template
        lines = (_prompt_line(line, values) for line in template.split("\n"))
        return "\n".join(line for line in lines if line is not None)

    def templates(self) -> dict[str, str]:
        """Return every template by its key; keys of labels and prompts begin with `label.` and `prompt.`."""
        labels = {f"label.{key}": text for key, text in self.labels.items()}
        return {**self._texts, **labels, **{f"prompt.{key}": text for key, text in self._prompts.items()}}

    def _fill(self, template: str, values: Mapping[str, object], *, escape: bool) -> str:
        """Return the template with its values. A value within quotation marks gets inner ones for its own."""

        def shown(match: re.Match[str]) -> str:
            value, unit = values[match[1]], match[2]
            if isinstance(value, int):
                return self.plural(unit, value) if unit else self.number(value)
            fitted = self._quotes.fitted(str(value), template[: match.start()])
            return html.escape(fitted, quote=False) if escape and not isinstance(value, Html) else fitted

        return _PLACEHOLDER.sub(shown, template)


class Locales:
    """All languages, and the key behind a pressed label."""

    def __init__(self, languages: Mapping[str, Texts]) -> None:
        self._languages = dict(languages)
        self._keys = {words_of(label): key for _, key, label in _pressable(self._languages)}
        self._exact = {label.replace("\ufe0f", "") for texts in languages.values() for label in texts.labels.values()}

    @classmethod
    def load(cls, folder: Path) -> Locales:
        """Load the languages of `folder`, one subfolder each. Raises `ConfigError` with every error in them."""
        faults: list[str] = []
        languages: dict[str, Texts] = {}
        for path in sorted(entry for entry in folder.glob("*") if entry.is_dir()):
            try:
                languages[path.name] = Texts(path.name, _read(path))
            except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
                faults.append(f"{path}: it can't be read: {error!r}")
        if FALLBACK not in languages and not faults:
            faults.append(f"{folder}: the language {FALLBACK!r} is missing")
        faults += [fault for texts in languages.values() for fault in _faults(texts)]
        faults += _clashes(languages)
        for texts in languages.values() if FALLBACK in languages else ():
            faults += _differences(languages[FALLBACK], texts)
        if faults:
            raise ConfigError(faults)
        return cls(languages)

    def __getitem__(self, language: str) -> Texts:
        return self._languages.get(language) or self._languages[FALLBACK]

    def __iter__(self) -> Iterator[str]:
        return iter(self._languages)

    def language_of(self, code: str | None) -> str:
        """Return the language for a Telegram language code such as `ru` or `en-GB`."""
        name = (code or "").partition("-")[0].lower()
        return name if name in self._languages else FALLBACK

    def is_label(self, text: str) -> bool:
        """Return whether `text` is exactly a label, emoji included: a button, not a user's own word."""
        return text.replace("\ufe0f", "") in self._exact

    def key_of(self, text: str) -> str | None:
        """Return the key of a label or alias in any language; None if `text` is neither.

        A label typed without its emoji counts too.
        """
        return self._keys.get(words_of(text)) if text.strip() else None


def _read(folder: Path) -> dict[str, Any]:
    """Read all tables of a language. Raises `ValueError` if two files have the same table."""
    tables: dict[str, Any] = {}
    for path in sorted(folder.glob("*.toml")):
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        if twice := tables.keys() & found.keys():
            raise ValueError(f"{path.name} repeats {sorted(twice)} of another file")
        tables |= found
    return tables


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield f"{prefix}{name}", value.strip("\n")
        else:
            raise TypeError(f"{prefix}{name} is not a text")


def _prompt_line(line: str, values: Mapping[str, object]) -> str | None:
    if "{" not in line:
        return line
    shown = {name: _prompt_value(name, values[name]) for name, _ in _PLACEHOLDER.findall(line)}
    return _PLACEHOLDER.sub(lambda match: shown[match[1]], line) if all(shown.values()) else None


def _prompt_value(name: str, value: object) -> str:
    text = "" if value is None else str(value).strip()
    return text if name in LONG_VALUES else " ".join(text.split())


def _pressable(languages: Mapping[str, Texts]) -> Iterator[tuple[str, str, str]]:
    """Yield (language, key, text) of every label and alias that is recognised by its text."""
    for language, texts in languages.items():
        for key, label in texts.labels.items():
            if not _PLACEHOLDER.search(label):
                yield language, key, label
        for key, aliases in texts.aliases.items():
            for alias in aliases:
                yield language, key, alias


def _faults(texts: Texts) -> Iterator[str]:
    """Yield what is wrong within one language."""
    for key, template in texts.templates().items():
        where = f"{texts.language}: {key}"
        bare = _PLACEHOLDER.sub("", template)
        if not bare.strip() and "{" not in template:
            yield f"{where}: it is empty"
        if key.startswith("prompt."):
            continue
        for unit in {unit for _, unit in _PLACEHOLDER.findall(template) if unit and unit not in texts.plurals}:
            yield f"{where}: no plural {unit!r}"
        if "{" in bare or "}" in bare:
            yield f"{where}: a brace that is no placeholder, or a label that does not exist"
        limit = next((limit for part, limit in PLAIN_LIMITS.items() if key.startswith(part) or key.endswith(part)), 0)
        if key.startswith("label."):
            limit = LABEL_CHARS
        if limit and len(template) > limit:
            yield f"{where}: {len(template)} characters, at most {limit} allowed"
        if not _is_markup(bare) or (limit and "<" in template):
            yield f"{where}: markup that Telegram refuses here"
    for key in texts.aliases.keys() - texts.labels.keys():
        yield f"{texts.language}: alias.{key}: no such label"
    for key, forms in texts.plurals.items():
        needed = {texts.plural_form(n) for n in range(101)}
        if set(forms) != needed or any("{n}" not in form for form in forms.values()):
            yield f"{texts.language}: plural.{key}: needs {sorted(needed)}, each with {{n}}"
    for key, phrases in texts.phrases.items():
        for fault in _phrase_faults(phrases):
            yield f"{texts.language}: phrases.{key}: {fault}"
    for preset in [one for pair in texts.by_genre.values() for presets in pair for one in presets]:
        if not preset.about or len(preset.name) > PRESET_NAME_CHARS:
            yield f"{texts.language}: {preset.full!r}: a name of up to {PRESET_NAME_CHARS} characters, then ': …'"

    keys = [one.key for one in texts.characters]
    for one in texts.characters:
        if keys.count(one.key) > 1:
            yield f"{texts.language}: characters.{one.key}: the key is used twice"
        for name, fault in personas.faults(one.persona):
            yield f"{texts.language}: characters.{one.key}: {name} is {fault}"


def _phrase_faults(phrases: Any) -> Iterator[str]:
    """Yield what keeps a value from being a list of regular expressions."""
    if not isinstance(phrases, list):
        yield "it is no list"
        return
    for phrase in phrases:
        try:
            re.compile(phrase)
        except (re.error, TypeError) as error:
            yield f"{phrase!r} is no regular expression: {error}"


def _is_markup(text: str) -> bool:
    """Return whether Telegram accepts the text as HTML: known tags only, each closed in order."""
    opened: list[str] = []
    for closing, tag in _TAG.findall(text):
        if not closing:
            opened.append(tag)
        elif not opened or opened.pop() != tag:
            return False
    rest = re.sub(r"&(lt|gt|amp|quot);", "", _TAG.sub("", text))
    return not opened and not set("<>&") & set(rest)


def _clashes(languages: Mapping[str, Texts]) -> Iterator[str]:
    """Yield texts of buttons that are the same once pressed: labels, aliases, genres, presets."""
    seen: dict[str, str] = {}
    found = list(_pressable(languages))
    for language, texts in languages.items():
        found += [(language, f"genre.{genre.key}", genre.label) for genre in texts.genres]
        heroes_and_settings = [presets for pair in texts.by_genre.values() for presets in pair]
        found += [(language, f"preset.{one.name}", one.name) for presets in heroes_and_settings for one in presets]
    counted: set[tuple[str, str]] = set()
    for language, key, text in found:
        words = words_of(text)
        repeated = (language, words) in counted  # two languages may share a text under the same key
        counted.add((language, words))
        if not words or seen.setdefault(words, key) != key or repeated:
            yield f"{language}: {key}: {text!r} can't be told from {seen.get(words, 'an empty text')}"


def _differences(reference: Texts, texts: Texts) -> Iterator[str]:
    """Yield what only one of the two languages has."""
    here, there = texts.templates(), reference.templates()
    for key in sorted(here.keys() ^ there.keys()):
        yield f"{texts.language}: {key}: {'only here' if key in here else 'missing'}"
    for key in sorted(here.keys() & there.keys()):
        names, expected = ({name for name, _ in _PLACEHOLDER.findall(one[key])} for one in (here, there))
        if names != expected:
            yield f"{texts.language}: {key}: placeholders {sorted(names)}, not {sorted(expected)}"
    for name, ours, theirs in (
        ("plural", set(texts.plurals), set(reference.plurals)),
        ("phrases", set(texts.phrases), set(reference.phrases)),
        ("genre", set(texts.by_genre), set(reference.by_genre)),
        ("characters", {one.key for one in texts.characters}, {one.key for one in reference.characters}),
    ):
        for key in sorted(ours ^ theirs):
            yield f"{texts.language}: {name}.{key}: {'only here' if key in ours else 'missing'}"
