"""What is asked beside a story: three suggestions, a title, a picture's description."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from sandbox.storyteller.compose import Composer
from sandbox.storyteller.data import stock
from sandbox.storyteller.grammar import Plain, capital, fill, last_place, told
from sandbox.storyteller.plan import number, plan_of, things_of
from sandbox.storyteller.request import Brief
from sandbox.storyteller.turn import Turn

TITLE_CHARS: Final = 40
TITLE_WORDS: Final = 5
_SMALL: Final = frozenset(["the", "a", "an", "of", "by", "in", "on", "and", "with", "to", "until", "before", "from"])
_KINDS: Final = ("ask", "risk", "odd")


def suggestions(brief: Brief, turn: Turn) -> str:
    """Return three things to do next as JSON: to find out, to dare, to do the odd thing."""
    composer = Composer(brief, turn)
    data, plan = stock(brief.language), composer.plan
    tail = brief.text
    scenes = [scene for scene in (*data.openings, *data.scenes) if told(scene.hook, tail)]
    scene = max(scenes, key=lambda one: last_place(one.hook, tail), default=None)
    composer.met = scene is not None and scene.stage != "opening"
    chosen = []
    for place, kind in enumerate(_KINDS):
        pool = sorted(data.texts("options", kind), key=lambda text: number(plan.key, text))
        texts = [*([scene.options[place]] if scene is not None else []), *pool]
        filled = [fill(text, plan.slots) for text in texts]
        fresh = [text for text in filled if text.rstrip(".") not in brief.offered] or filled
        chosen.append(fresh[turn.variant % len(fresh)])
    return json.dumps({"options": chosen}, ensure_ascii=False)


def title(brief: Brief, turn: Turn) -> str:
    """Return a name for the story: its thing, its place, its last hour."""
    plan = plan_of(brief)
    texts = [fill(text, plan.slots) for text in stock(brief.language).texts("titles", "texts")]
    if brief.language == "en":
        texts = [
            " ".join(word if word in _SMALL else word[:1].upper() + word[1:] for word in text.split()) for text in texts
        ]
        texts = [capital(text) for text in texts]
    texts = [text for text in texts if len(text) <= TITLE_CHARS and len(text.split()) <= TITLE_WORDS]
    texts.sort(key=lambda text: number(plan.key, "title", text))
    return texts[turn.variant % len(texts)]


def illustration(brief: Brief, turn: Turn) -> str:
    """Return one picture in words, without names."""
    plan = plan_of(brief)
    data = stock(brief.language)
    looks: Mapping[str, str] = data.tables["pictures"]["looks"]
    look = looks[getattr(plan.slots["V"], "gender", "m")]
    texts = data.texts("pictures", "texts")
    text = texts[(number(brief.text) + turn.variant) % len(texts)]
    style = re.search(r"(?:последн\w+ фраз\w+ — |to finish, |last phrase:? )([^\n.]+)\.", brief.text, re.IGNORECASE)
    seen = things_of(brief.language, plan.genre, brief.text)
    slots = {**plan.slots, **seen, "look": Plain(look)}
    return fill(text, slots) + (f"; {style[1]}." if style else ".")
