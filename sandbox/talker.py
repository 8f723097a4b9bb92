"""What the local models answer where no story is asked for: an assistant, ready roles, a character, a chat's memory.

Pure and repeatable, out of ready sentences (`talker.toml`): what is recognised is a greeting, a name that was given, a
question about what was said before, a sum, a wish for a list or code. Doesn't understand anything. Translating is a
phrasebook of eighty words; the rest is spelled in the other alphabet.
"""

from __future__ import annotations

import operator
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from core.schemas import Message
from sandbox import characters, examples, teacher
from sandbox.characters import hero

_QUOTED: Final = re.compile(
    r"^(?:Это ответ на сообщение|This replies to the message):\s*[«“](.*?)[»”]\s*\n\n(.*)", re.DOTALL
)
_NOTE: Final = re.compile(r"\n\n\((?:Отвечает герой истории|The hero of the story answers)[^()]*\)")
_GIVEN: Final = re.compile(r"(?:меня зовут|моё имя|my name is)\s+([A-ZА-ЯЁ][\w-]+)", re.IGNORECASE)
_MEMORY: Final = re.compile(
    r"^(?:Краткая память|(?:A )?(?:short|brief) memory|Раньше было|Earlier|What happened before)[^:\n]*: (.*)",
    re.M | re.S | re.I,
)
_SPEAKER: Final = re.compile(r"^(?:Собеседник|Person) \d+: ")  # in a group
_CHARACTER: Final = re.compile(r"^(?:Герой|Hero|Character): ([^\n]+)", re.MULTILINE)
_INTENTS: Final = (
    ("your_name", r"как меня зовут|what(?:'s| is) my name"),
    ("so_far", r"о чём мы (?:говор|разговар)|что (?:ты|вы) (?:обо мне )?помн|what did (?:we|i) |what do you remember"),
    ("named", _GIVEN.pattern),
    ("self", r"\bкто (?:ты|вы)\b|что (?:ты|вы) (?:уме|мож)|who are you|what can you do"),
    ("well", r"как (?:у (?:тебя|вас) )?дела|как (?:ты|вы)\b|how are you"),
    ("greeting", r"^\W*(?:привет|здравствуй|добр(?:ый|ое) (?:день|вечер|утро)|hi\b|hello|hey\b|good (?:morning|day))"),
    ("thanks", r"спасибо|благодарю|thank"),
    ("bye", r"^\W*(?:пока|до свидания|до встречи|bye|goodbye|see you)\b"),
    ("sum", r"\d\s*(?:[-+*/:×÷−]|% от|% of)\s*\d"),
    ("recalled", r"\?"),
    ("help", r""),
    ("told", r"^(?:а )?(?:у меня|мо[йяёи]|я живу|я люблю|я работаю|запомни|my |i have|i live|i love|remember)\b"),
    ("code", r"\bкод|функци|скрипт|python|\bcode\b|function|script"),
    ("compare", r"сравни|таблиц|разниц|compare|table|difference"),
    ("joke", r"шутк|анекдот|пошути|рассмеши|joke|laugh"),
    ("fact", r"факт|интересн|\bfact|interesting"),
    ("poem", r"стих|поэм|рифм|poem|verse|rhyme"),
    ("story", r"сказк|историю|fairy|a story"),
    ("list", r"спис|иде[ияй]|план|совет|рецепт|вариант|шаг|\blist\b|ideas|plan|tips|advice|steps|recipe"),
)  # fmt: skip
_REMEMBERING: Final = ("your_name", "so_far")  # answered in any role
_REQUEST: Final = re.compile(
    r"\?|^\W*(?:почему|зачем|как|что|кто|где|куда|когда|сколько|какой|какая|какие|(?:на|о|до|пере)?пиши|покажи|объясни"
    r"|расскажи|переведи|придумай|сочини|составь|сделай|найди|дай|помоги|реши"
    r"|why|how|what|who|where|when|which|write|show|explain|tell|translate|make|find|give|help|solve)(?:те)?\b",
    re.IGNORECASE,
)
_GIVES_UP: Final = re.compile(r"не знаю|сда[юё]|ответ|don['’]t know|no idea|give up|answer", re.IGNORECASE)
_HAVE: Final = re.compile(r"^(?:у меня |в холодильнике )?(?:есть|i have|i've got|there is|there are)\s+", re.IGNORECASE)
_LETTERS: Final = dict(zip("абвгдезийклмнопрстуфхцыэ", "abvgdeziyklmnoprstufhcye", strict=True)) | {
    "ё": "yo", "ж": "zh", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "yu", "я": "ya",
}  # fmt: skip
_SUM: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add, "-": operator.sub, "−": operator.sub, "*": operator.mul, "×": operator.mul,
    "/": operator.truediv, ":": operator.truediv, "÷": operator.truediv,
    "% от": lambda part, whole: part * whole / 100, "% of": lambda part, whole: part * whole / 100,
}  # fmt: skip
QUOTE_CHARS: Final = 70


def talk(messages: Sequence[Message], variant: int = 0) -> str:
    """Return the answer to a chat's prompt; `variant`: how often the same was asked before."""
    return _Talk(messages, variant).answer()


def remember(asked: str) -> str:
    """Return the new memory of a chat, out of the old one and what was said since: what it knew stays."""
    ru = bool(re.search("[а-яё]", asked[:60], re.IGNORECASE))
    stock = _stock()["ru" if ru else "en"]
    found = re.search(r"(?:up to|до) (\d+)", asked)
    limit = int(found[1]) if found else 1500
    before, _, parts = asked.partition("Новые реплики:\n" if ru else "New messages:\n")
    parts, _, form = _cut(parts)
    heads = re.findall(r"^([А-ЯЁA-Z][\w ]{2,20}): ", form, re.MULTILINE)
    of_character = len(heads) == 5 and heads[1] not in stock["memory_heads"]
    old = dict(line.split(": ", 1) for line in before.splitlines() if ": " in line)
    old_first = re.search(r"(?:Прежняя память|Previous memory): \w+: (.+)", before)
    said = re.findall(r"^(?:Собеседник|Person): (.+?)(?=\n\n|\Z)", parts, re.MULTILINE | re.DOTALL)
    said = [_QUOTED.sub(r"\2", words) for words in said]
    first, *others = old_first[1].rstrip(".").split("; ") if old_first else [""]
    name = _name(said) or first
    person, facts, decided, happened, unsolved = stock["memory_heads"]
    kept = [fact for fact in old.get(facts, "").rstrip(".").split("; ") if fact not in ("", stock["memory_none"])]
    kept += others if of_character else []
    new = [" ".join(words.split()).rstrip(".")[:160] for words in said if not words.rstrip().endswith("?")]
    questions = [words for words in said if words.rstrip().endswith("?")]
    rows = {
        person: name or stock["memory_unknown"],
        facts: "; ".join(dict.fromkeys([*kept, *filter(_is_fact, new)])) or stock["memory_none"],
        decided: old.get(decided, stock["memory_none"]),
        happened: "; ".join(words[:40] for words in new[-4:]) or stock["memory_none"],
        unsolved: questions[-1][:80] if questions else stock["memory_none"],
    }
    if of_character:  # a character's memory keeps the facts with the person
        about, between, was, in_story, unsettled = heads
        known = dict.fromkeys([rows[person], *kept, *filter(_is_fact, new)])
        rows = {
            about: "; ".join(known),
            between: old.get(between, stock["memory_none"]),
            was: rows[happened],
            in_story: old.get(in_story, stock["memory_none"]),
            unsettled: rows[unsolved],
        }
        facts = about
    chars_left = max(80, limit - sum(len(rows[head]) for head in rows if head != facts) - 80)
    rows[facts] = rows[facts][:chars_left]
    return "\n".join(f"{head}: {text}" for head, text in rows.items())[:limit]


def _cut(parts: str) -> tuple[str, str, str]:
    """Return what was said, and how the memory is to look."""
    found = re.search(r"\n(?:Запиши обновлённую|Write the updated)", parts)
    return (parts[: found.start()], found[0], parts[found.start() :]) if found else (parts, "", "")


@dataclass(frozen=True, slots=True)
class _Said:
    """The person's words of the prompt: the last ones, what they reply to, and all before, the memory's facts too."""

    words: str
    quoted: str
    before: tuple[str, ...]
    own: tuple[str, ...]  # of these, in a group, only what the same person said


class _Talk:
    def __init__(self, messages: Sequence[Message], variant: int) -> None:
        system = "\n".join(message.text for message in messages if message.role == "system")
        self._asking = system
        self._said = _read(messages, system)
        self._answers = [message.text for message in messages if message.role == "assistant"]
        self._language = _language(self._said.words) or _language(system) or "ru"
        self._stock = _stock()[self._language]
        seed = blake2b("\0".join(message.text for message in messages).encode("utf-8", "replace"))
        self._seed = int.from_bytes(seed.digest()[:6], "big") + variant

    def answer(self) -> str:
        """Return what is said in the role, or else as an assistant; it names the quoted words if there are any."""
        ready = examples.answer_to(self._said.words)
        text = ready or self._remembered() or self._in_role() or self._as_assistant()
        if self._said.quoted:
            quoted = " ".join(self._said.quoted.split())[:200]
            text = self._stock["replied"].format(quoted=quoted, rest=text)
        return text

    def _remembered(self) -> str:
        """Return what the person told of themselves, if they ask for it; empty where they told nothing."""
        for intent, pattern in _INTENTS:
            if intent in _REMEMBERING and re.search(pattern, self._said.words, re.IGNORECASE):
                return self._answer_to(intent) if self._name or (intent == "so_far" and self._said.before) else ""
        return ""

    # Roles and characters

    def _in_role(self) -> str:
        first = self._asking.partition("\n")[0]
        if re.search(r"переводчик|translator", first):
            return _translated(self._said.words) or self._stock["greeting"].format(who="")
        if re.search(r"редактор|editor", first):
            return str(self._stock["edited"].format(text=_edited(self._said.words)))
        for language in (self._language, _language(first) or "ru"):
            for role in _stock()[language]["roles"].values():
                if re.search(role["when"], first) and "teaches" in role:
                    lesson = teacher.teach(language, self._said.words, self._answers)
                    return lesson or self._sum() or teacher.unknown(language, self._quote)
                if re.search(role["when"], first):
                    return self._riddle(role) if "riddles" in role else self._pick(role["says"])
        if (character := _CHARACTER.search(self._asking)) is not None:
            return self._as_character(character[1].strip(" ."))
        name = re.match(r"(?:Ты|You are|You're)\s+(?:the |an? )?([^,.:;(—]{2,40})", first, re.IGNORECASE)
        if name is None or re.search(r"помощник|ассистент|справочник|assistant|reference", first, re.IGNORECASE):
            return ""
        return self._as_character(name[1].strip())

    def _as_character(self, name: str) -> str:
        who = f", {self._name}" if self._name else ""
        given = (name, self._said.words, self._seed, self._answers[-6:], who)
        return hero.speak(self._asking, *given) or characters.speak(self._language, *given)

    def _riddle(self, role: Mapping[str, Any]) -> str:
        last = self._answers[-1] if self._answers else ""
        for place, (riddle, solution) in enumerate(role["riddles"]):
            if riddle in last:
                following = role["riddles"][(place + 1) % len(role["riddles"])][0]
                if solution in self._said.words.lower():
                    return str(role["right"].format(riddle=following))
                if _GIVES_UP.search(self._said.words):
                    return str(role["given_up"].format(riddle=following, solution=solution))
                return str(role["wrong"].format(riddle=riddle, letter=solution[0].upper()))
        return str(role["first"].format(riddle=role["riddles"][0][0]))

    # The assistant

    def _as_assistant(self) -> str:
        words = self._said.words
        for intent, pattern in _INTENTS:
            if re.search(pattern, words, re.IGNORECASE):
                answer = self._answer_to(intent)
                if answer:
                    return answer
        return self._pick(self._stock["unknown" if _REQUEST.search(words) else "advice"])

    def _helped(self) -> str:
        """Return a ready answer to what people often ask for; empty where there is none."""
        rows = (row for row in self._stock["help"] if re.search(row["when"], self._said.words, re.IGNORECASE))
        row = next(rows, None)
        return self._pick(row["says"]) if row is not None else ""

    def _answer_to(self, intent: str) -> str:
        stock = self._stock
        given = self._name
        if intent == "your_name":
            return str(stock["your_name"].format(given=given) if given else stock["nameless"])
        if intent == "named":
            return str(stock["named"].format(given=_name([self._said.words])))
        if intent == "so_far":
            facts = [fact for fact in self._said.before if not fact.endswith("?")][-6:]
            lines = "\n".join(f"- {fact[:120]}" for fact in facts)
            return self._pick([stock["so_far"]], list=lines) if facts else str(stock["nothing_said"])
        if intent == "recalled":
            fact = _closest(self._said, stock["words"])
            return self._pick([stock["recalled"]], fact=fact) if fact else ""
        if intent == "sum":
            return self._sum()
        if intent == "help":
            return self._helped()
        texts = stock[intent]
        return self._pick([texts] if isinstance(texts, str) else texts)

    def _sum(self) -> str:
        signs = "|".join(re.escape(sign) for sign in _SUM)
        found = re.search(rf"(\d+(?:[.,]\d+)?)\s*({signs})\s*(\d+(?:[.,]\d+)?)", self._said.words)
        if found is None or len(found[0]) > 40:
            return ""
        one, other = (float(found[group].replace(",", ".")) for group in (1, 3))
        try:
            result = _SUM[found[2]](one, other)
        except ZeroDivisionError:
            return str(self._stock["no_sum"])
        shown = f"{result:.10g}".replace(".", "," if self._language == "ru" else ".")
        return str(self._stock["sum"].format(task=f"{found[1]} {found[2]} {found[3]}".replace(" %", "%"), result=shown))

    @property
    def _name(self) -> str:
        return _name([*self._said.own, self._said.words])

    @property
    def _quote(self) -> str:
        return _short(self._said.words)

    def _pick(self, texts: Sequence[str], **values: str) -> str:
        """One of the texts, which is not the one said last where there is another."""
        who = f", {self._name}" if self._name else ""
        quote = self._quote
        things = _HAVE.sub("", quote)
        things = things[:1].lower() + things[1:]
        filled = [_filled(text, quote=quote, things=things, who=who, **values) for text in texts]
        fresh = [text for text in filled if not self._answers or text[-30:] not in self._answers[-1]] or filled
        return fresh[self._seed % len(fresh)]


def _read(messages: Sequence[Message], system: str) -> _Said:
    said = [message.text for message in messages if message.role == "user"] or [""]
    last = _QUOTED.match(_bare(said[-1]))
    known = _MEMORY.search(system)
    heads = [head for language in ("ru", "en") for head in _stock()[language]["memory_heads"]]
    rows = [line.partition(": ") for line in known[1].splitlines()] if known else []
    lines = [text for head, _, text in rows if head in heads]
    person = known[1].split("\n")[0].rpartition(": ")[2].split(";")[0] if known else ""
    facts = [fact.strip(" .") for line in lines for fact in line.split("; ")]
    name = [f"Меня зовут {person}"] if re.fullmatch(r"[A-ZА-ЯЁ][\w-]+", person) else []
    before = [" ".join(_bare(_QUOTED.sub(r"\2", _bare(words))).split()) for words in said[:-1]]
    speaker = _SPEAKER.search(said[-1])
    own = [words for words, whole in zip(before, said, strict=False) if not speaker or whole.startswith(speaker[0])]
    kept = dict.fromkeys(fact for fact in [*name, *facts, *before] if len(fact) > 2)
    words = _bare(last[2] if last else said[-1])
    return _Said(words, last[1] if last else "", tuple(kept), (*name, *([] if speaker else facts), *own))


def _bare(words: str) -> str:
    """Return the words without who says them."""
    return _NOTE.sub("", _SPEAKER.sub("", words))


def _language(text: str) -> str:
    latin, cyrillic = len(re.findall(r"[a-z]", text.lower())), len(re.findall(r"[а-яё]", text.lower()))
    return "" if latin == cyrillic else "en" if latin > cyrillic else "ru"


def _name(said: Sequence[str]) -> str:
    found = [match[1] for words in said if (match := _GIVEN.search(words))]
    return found[-1].capitalize() if found else ""


def _is_fact(words: str) -> bool:
    """Whether a sentence tells something of the person: a number, a name, or in the first person."""
    own = re.search(r"\b(?:я|меня|мне|мой|моя|моё|мои|мы|наш\w*|i|i'm|my|me|we|our)\b", words, re.IGNORECASE)
    return bool(own or re.search(r"\d|(?<=\s)[A-ZА-ЯЁ]", words))


def _closest(said: _Said, stop_words: str) -> str:
    """Return what the person said before that shares most with the question; empty where nothing does."""
    asked = set(_stems(said.words, stop_words))
    told = [fact for fact in said.before if not fact.endswith("?")]
    scored = [(len(asked & set(_stems(fact, stop_words))), -place, fact) for place, fact in enumerate(told)]
    best = max(scored, default=(0, 0, ""))
    return best[2][:160].rstrip(".") if best[0] else ""


def _stems(text: str, stop_words: str) -> Iterator[str]:
    for word in re.findall(r"\w{3,}", text.lower()):
        if not re.fullmatch(stop_words, word):
            yield word[: max(3, min(5, len(word) - 1))]


def _short(text: str) -> str:
    words = " ".join(text.split()).strip(" .…!?")
    if len(words) > QUOTE_CHARS:
        words = words[:QUOTE_CHARS].rsplit(" ", 1)[0].rstrip(" ,;:—-") + "…"
    return re.sub(r"[«»“”\"*_`]", "", words)


def _filled(text: str, **values: str) -> str:
    """Return the text with its places filled; braces of code are not places."""
    return re.sub(r"\{(\w+)\}", lambda place: values.get(place[1], place[0]), text)


def _edited(text: str) -> str:
    words = re.sub(r"\s+([,.!?;:])", r"\1", " ".join(text.split()))
    words = re.sub(r"([,;:])(?=[^\s\d])", r"\1 ", words)
    return words[:1].upper() + words[1:] + ("" if words[-1:] in "!?….:;" else ".")


def _translated(text: str) -> str:
    phrases: Mapping[str, str] = _stock()["phrases"]
    to_english = _language(text) != "en"
    table = (
        phrases if to_english else {english.lower(): russian for russian, english in reversed(list(phrases.items()))}
    )

    def word(found: re.Match[str]) -> str:
        low = found[0].lower()
        other = table.get(low) or (_spelled(low) if to_english else _spelled_in_russian(low))
        return other.capitalize() if found[0][0].isupper() else other

    done = re.sub(r"[^\W\d_]+", word, text)
    return done[:1].upper() + done[1:]


def _spelled(word: str) -> str:
    return "".join(_LETTERS.get(letter, letter) for letter in word)


def _spelled_in_russian(word: str) -> str:
    for russian, latin in sorted(_LETTERS.items(), key=lambda pair: -len(pair[1])):
        if latin:
            word = word.replace(latin, russian)
    return word.replace("j", "дж").replace("q", "к").replace("w", "в").replace("x", "кс")


@cache
def _stock() -> Mapping[str, Any]:
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        return tomllib.load(file)
