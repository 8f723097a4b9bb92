"""The System's line under a part of a LitRPG: figures that go on from the line before it."""

from __future__ import annotations

import re
from typing import Final

from sandbox.storyteller.plan import number, plan_of
from sandbox.storyteller.request import Brief

_ASKED: Final = re.compile(r"\[(?:Система|System): ")  # in the prompt's rules
LINE: Final = re.compile(r"\[(?:Система|System): [^\[\]\n]*\]")
_FIGURES: Final = re.compile(r"(\d+)\D+(\d+)\D+100\D+(\d+)")
_EXPERIENCE: Final = 100  # of a level


def with_status(brief: Brief, part: str, parts_told: int) -> str:
    """Return a part with the System's line under it, if the prompt's rules ask for one."""
    if not _ASKED.search(brief.text):
        return part
    level, health, experience = _before(brief)
    chance = number(brief.hero, "status", str(parts_told))
    experience += 40 + chance % 4 * 5 if parts_told else 0
    level, experience = level + experience // _EXPERIENCE, experience % _EXPERIENCE
    health = min(100, max(20, health + (0, -15, 10, -25, 20)[chance % 5])) if parts_told else 100
    slots = plan_of(brief).slots
    if brief.language == "ru":
        items = f"{slots['T'].case('nom')}, {slots['K'].case('nom')}"
        line = f"[Система: уровень {level}, здоровье {health} из 100, опыт {experience}, вещи: {items}]"
    else:
        items = f"{slots['T'].case('nom')}, {slots['the_K'].case('nom')}".replace("the ", "")
        line = f"[System: level {level}, health {health} of 100, experience {experience}, items: {items}]"
    return f"{part}\n\n{line}"


def _before(brief: Brief) -> tuple[int, int, int]:
    """Return level, health and experience of the last line in the texts or, if they have none, in the memory."""
    for text in (*reversed(brief.written), brief.memory):
        if lines := LINE.findall(text):
            found = _FIGURES.search(lines[-1])
            return (int(found[1]), int(found[2]), int(found[3])) if found else (1, 100, 0)
    return 1, 100, 0
