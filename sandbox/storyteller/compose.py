"""A part, an ending or an epilogue, put together from a story's plan and the sentences of its language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from sandbox.storyteller import reader
from sandbox.storyteller.data import Scene, Stock, stock
from sandbox.storyteller.grammar import Plain, capital, fill, slots_of, small, told
from sandbox.storyteller.plan import Plan, number, plan_of
from sandbox.storyteller.request import Brief
from sandbox.storyteller.turn import Block, Turn, joined

ENOUGH_CHARS: Final = 650
LONG_WISH: Final = 6  # words; a shorter one may ask for a manner
SHORT_CHARS: Final = 600
LONG_CHARS: Final = 2000
STAGES: Final = {1: "meeting", 2: "middle", 3: "middle", 4: "middle", 5: "turn"}  # by the parts that stand already
_FIRST_PHRASE: Final = re.compile(
    r"(?:первая фраза|первое предложение|first (?:line|sentence|phrase))[^«“\"]{0,12}[«“\"](.+?)[»”\"]", re.IGNORECASE
)
_TOGETHER: Final = re.compile(
    r"\b(?:they|them|both|all)\b|все|двоих|второму|решено|\w+(?:сь|или|али|ели)\b", re.IGNORECASE
)
_CARD: Final = {"ru": "Об этом здесь помнили: {card}.", "en": "It was well known here: {card}."}
_ENDINGS: Final = (
    ("happy", r"счастлив|добрый|хорош|happy|good"),
    ("tragic", r"траги|печал|грустн|tragic|sad"),
    ("unexpected", r"неожидан|разгадк|unexpected|twist"),
    ("any", r"вытекает|follows from"),
)


class Composer:
    """One answer of the storyteller. `said` grows with every sentence that is used, `used` with what is told."""

    def __init__(self, brief: Brief, turn: Turn) -> None:
        self.brief = brief
        self.plan: Plan = plan_of(brief)
        self.stock: Stock = stock(brief.language)
        self.turn = turn
        self.said = "\n".join((*brief.written, brief.memory))
        self.scenes = self.told_scenes()
        self.parts = self._count()
        self.met = self.parts > 1 or any(scene.stage not in ("opening", "meeting") for scene in self.scenes)
        self.used: set[str] = set()
        self._offset = turn.story if turn.story >= 0 else self.plan.rank("story") % 997

    # ── what was told ──

    def told_scenes(self) -> list[Scene]:
        """Return the events that the texts or the memory have, in the stock's order."""
        everything = (*self.stock.openings, *self.stock.scenes)
        return [scene for scene in everything if told(scene.hook, self.said) or told(scene.memo, self.brief.memory)]

    def _count(self) -> int:
        folded = [scene for scene in self.scenes if told(scene.memo, self.brief.memory)]
        shown = "\n".join(self.brief.written)
        return len(self.brief.written) + len([scene for scene in folded if not told(scene.hook, shown)])

    # ── the three kinds of text ──

    def part(self) -> str:
        """Return the next part of the story, which ends where the hero has to answer."""
        return self._fitted(self._opening() if self.parts == 0 or self.brief.volume else self._middle())

    def ending(self) -> str:
        """Return the story's end, of the kind that was asked for."""
        asked = self.brief.ending.lower()
        known = [kind for kind, pattern in _ENDINGS if re.search(pattern, asked)]
        own = self.brief.ending if not known else ""
        tables: Sequence[Any] = self.stock.texts("ending")
        pools = {row["kind"]: row["texts"] for row in tables}
        kind = known[0] if known else "any"
        pool = self._ordered("ending", pools[kind])
        if kind == "any":
            pool += self._ordered("ending", [*pools["happy"], *pools["unexpected"]])
        text = self._filled(pool[self.turn.variant % len(pool)])
        first = self._lead()
        if not self.met:
            first += " " + self.pick("joins", self.stock.texts("joins"))
        blocks = [first, text]
        if own:
            event = reader.happened(self.plan, own)
            if event:
                blocks.insert(1, f"{event} {self.pick('strange', self.stock.texts('back', 'strange'))}")
        return "\n\n".join(blocks)

    def epilogue(self) -> str:
        """Return one scene some time after the end."""
        pool = self._ordered("epilogue", self.stock.texts("epilogue", "texts"))
        text = self._filled(pool[self.turn.variant % len(pool)])
        return f"{self._lead()}\n\n{text}" if self.brief.words else text

    # ── the first part ──

    def _opening(self) -> list[Block]:
        scene = self._opening_scene()
        lead = ""
        if self.brief.volume:
            lead = self.pick("volume", self.stock.texts("back", "volume"))
        elif self.brief.words:
            lead = self._lead()
        elif found := _FIRST_PHRASE.search(self.brief.wishes):
            lead = capital(found[1].strip())
            lead += "" if lead[-1] in ".!?…" else "."
        mark = self.plan.slots["mark"].case("nom")
        leads_to = self.pick("mark_leads", self.stock.texts("mark_leads"))
        mark = f"{leads_to} {small(mark) if leads_to.endswith(':') else mark}"
        blocks = [Block(9, lead), Block(9, fill(scene.text, {**self.plan.slots, "mark": Plain(mark)}), paragraph=True)]
        if not self.brief.volume:
            blocks += [Block(7, self._about(), paragraph=True), Block(6, self._place())]
        blocks.append(Block(5, self.pick("stakes", self.stock.texts("stakes")), paragraph=True))
        blocks += [Block(8, self._asked()), Block(3, self._colour())]
        if self._tone() in ("", "child", "light", "lyrical"):
            blocks.append(Block(2, self._texture(self.plan.genre)))
        if self._limit > 1400:
            blocks.append(Block(1, self._texture("any")))
        blocks.append(Block(9, self._filled(scene.hook), paragraph=True))
        return blocks

    def _opening_scene(self) -> Scene:
        own = [scene for scene in self.stock.openings if scene.genre == self.plan.genre]
        common = [scene for scene in self.stock.openings if not scene.genre]
        nth = self.turn.of_genre if self.turn.of_genre >= 0 else self.plan.rank("own") % (len(own) + 2)
        shift = self._offset % len(common)
        common = [*common[shift:], *common[:shift]]
        order = [*own[nth:], *common, *own[:nth]] if nth < len(own) else [*common, *own]
        order = [scene for scene in order if not told(scene.hook, self.said)] or order
        if self.brief.volume:
            order = [scene for scene in order[1:] if scene.id not in self.turn.used] or order
        chosen = order[self.turn.variant % len(order)]
        self.used.add(chosen.id)
        return chosen

    def _about(self) -> str:
        return self.pick("about", self.stock.texts("about" if self.plan.about else "about_plain"))

    def _place(self) -> str:
        return self.pick("place", self.stock.texts("place" if self.plan.there else "place_plain"))

    # ── the parts after it ──

    def _middle(self) -> list[Block]:
        scene = self._next_scene()
        outcome = self._outcome()
        blocks = [Block(7, self._lead()), Block(8, outcome), Block(8, self._asked(), paragraph=True)]
        blocks += [Block(8, self._card()), Block(4, self._own_line())]
        if not self._tone() or (self.parts % 2 and self._tone() != "brisk"):
            blocks.append(Block(2, self._texture(self.plan.genre), paragraph=not blocks[2].text))
        blocks.append(Block(3, self._colour(), paragraph=not any(block.text for block in blocks[2:])))
        self.met = self.met or scene.stage == "meeting"
        blocks.append(Block(9, self._filled(scene.text), paragraph=True))
        if self._limit > 1400:
            blocks.append(Block(1, self._texture("any"), paragraph=True))
        if self._limit > 1400 or self._wants("dialogue"):
            blocks.append(Block(5, self.pick("talk", self.stock.texts("talk"), fresh=True), paragraph=True))
        blocks.append(Block(9, self._filled(scene.hook), paragraph=True))
        return blocks

    def _next_scene(self) -> Scene:
        """Return an event of the part's stage: one that this story wasn't told, of those the least told elsewhere."""
        stage = STAGES.get(self.parts, "late")
        others = {"meeting": ("meeting",), "middle": ("middle",), "turn": ("turn", "late"), "late": ("late", "middle")}
        used = {scene.id for scene in self.scenes}
        order: list[Scene] = []
        for name in (*others[stage], "middle", "late"):
            pool = [scene for scene in self.stock.scenes if scene.stage == name and scene not in order]
            pool = [
                scene for scene in pool if scene.genre in ("", self.plan.genre) and scene.first_part <= self.parts + 1
            ]
            order += sorted(pool, key=lambda scene: (not scene.genre, number(self.plan.key, scene.id)))
        fresh = [scene for scene in order if scene.id not in used] or order
        fresh = [scene for scene in fresh if scene.id not in self.turn.used] or fresh
        fresh = [scene for scene in fresh if scene.stage in others[stage]] or fresh
        least = min(self.turn.worn.get(scene.id, 0) for scene in fresh)
        fresh = [scene for scene in fresh if self.turn.worn.get(scene.id, 0) == least]
        chosen = fresh[self.turn.variant % len(fresh)]
        self.used.add(chosen.id)
        return chosen

    def _outcome(self) -> str:
        """Return what came of the last part's event; how the companion or the thing is back, if it took them."""
        last = self.brief.written[-1] if self.brief.written else ""
        scenes = (scene for scene in (*self.stock.openings, *self.stock.scenes) if told(scene.hook, last))
        scene = next(scenes, None)
        if scene is None:
            return ""
        texts = []
        if scene.after and self.turn.repeat:
            texts = [self.pick("otherwise", self.stock.texts("back", "otherwise"))]
        elif scene.after and self._usable(scene.after):
            texts = [self._filled(scene.after)]
        if scene.away or scene.lost:
            name = "companion" if scene.away else "thing"
            texts.append(self.pick(name, self.stock.texts("back", name)))
        return " ".join(texts)

    def _own_line(self) -> str:
        """Return a line that only this hero has, in the third part, or only this place, in the fourth."""
        tables = {2: ("heroes", self.plan.full), 3: ("settings", self.plan.place)}
        table, name = tables.get(self.parts, ("heroes", ""))
        line = self.stock.tables.get(table, {}).get(name, "")
        return self._filled(line) if line and not told(line, self.said) else ""

    def _card(self) -> str:
        """Return what a card of the reader's says, if the story hasn't said it yet."""
        fresh = [card for card in self.brief.cards if card not in self.said]
        return _CARD[self.brief.language].format(card=fresh[0]) if fresh else ""

    def _lead(self) -> str:
        """Return one or two sentences that take up the reader's words, or the hero's own decision."""
        onward = self._ordered("onward", self.stock.texts("onward", "texts"))
        if not self.brief.words:
            return self._take(onward)
        found = reader.reaction(self.plan, self.brief.words)
        texts = self._ordered("after", self.stock.texts("after", found.group))
        slots = self.plan.slots
        if found.noun is not None:
            slots = {**slots, "X": found.noun}
            name = "person" if found.alive else "thing"
            nouns = self._ordered("after", self.stock.texts("after", name))
            texts = [*nouns, *texts]
            return self._take(texts, slots, start=(self.parts + self.turn.variant) % len(nouns))
        texts += [text for text in self._ordered("after", self.stock.texts("after", "other")) if text not in texts]
        return self._take(texts, slots)

    def _asked(self) -> str:
        """Return what the wishes bring about: the ones in brackets now, the card's in their turn."""
        texts = [self._granted(wish) for whole in self.brief.asked for wish in reader.split_wish(whole)]
        if not self.brief.volume:
            wishes = _FIRST_PHRASE.sub("", self.brief.wishes)
            each = [wish for wish in re.split(r"(?<=[.!?;])\s+|\n", wishes) if len(wish.strip(" .")) > 3]
            turns = [
                (wish, (self.parts - place) // 2) for place, wish in enumerate(each) if (self.parts - place) % 2 == 0
            ]
            texts += [self._granted(wish, nth=max(0, nth)) for wish, nth in turns[:2]]
        return " ".join(filter(None, texts))

    def _granted(self, wish: str, nth: int = -1) -> str:
        """Return the wish as it comes true: by a text that knows it, or by its own words made into an event.

        `nth`: how often a wish of the card had its turn before; -1 is a wish of this very message.
        """
        now = nth < 0
        known = self._known_wish(wish, nth)
        if known and not (now and not reader.shares_a_noun(self.plan.language, wish, known)):
            self.said += f"\n{known}"
            return known
        if not now and any(re.search(row["when"], wish, re.IGNORECASE) for row in self._wishes()):
            return ""
        manners: Any = self.stock.tables.get("manner", {})
        event = reader.happened(self.plan, wish)
        manner = len(wish.split()) < LONG_WISH
        if manner and any(re.search(pattern, wish, re.IGNORECASE) for pattern in manners.values()):
            event = ""
        again = event in self.turn.used and bool(self.brief.memory or self.turn.repeat % 2)
        if not event or event in self.said or (again and not now):
            return known if now else ""
        self.used.add(event)
        return f"{event} {self.pick('strange', self.stock.texts('back', 'strange'))}"

    def _known_wish(self, wish: str, nth: int) -> str:
        for row in self._wishes():
            if not re.search(row["when"], wish, re.IGNORECASE):
                continue
            texts = sorted(row["texts"], key=lambda text: "D" in slots_of(text))
            usable = [text for text in texts[max(0, nth) :] if self._usable(text) and not told(text, self.said)]
            if usable:
                place = self.turn.repeat % len(usable) if nth < 0 else self.turn.repeat
                return fill(usable[place], self.plan.slots) if place < len(usable) else ""
        return ""

    def _wishes(self) -> Sequence[Any]:
        return self.stock.texts("wish")

    # ── colour ──

    def _wants(self, manner: str) -> bool:
        """Return whether the reader asks for a manner, in brackets or on the card."""
        pattern = self.stock.tables["manner"][manner]
        card = re.split(r"(?<=[.!?;])\s+|\n", self.brief.wishes)
        wishes = (wish for wish in (*self.brief.asked, *self.brief.manners, *card) if len(wish.split()) < LONG_WISH)
        return any(re.search(pattern, wish, re.IGNORECASE) for wish in wishes)

    @property
    def _limit(self) -> int:
        if self._wants("shorter"):
            return min(self.brief.chars, SHORT_CHARS)
        return max(self.brief.chars, LONG_CHARS) if self._wants("longer") else self.brief.chars

    def _tone(self) -> str:
        wanted = (tone for tone in ("light", "dark", "lyrical", "brisk") if self._wants(tone))
        return self.brief.tone or next(wanted, "")

    def _colour(self) -> str:
        tone = self._tone()
        texts = self.stock.texts("tone", tone) if tone else ()
        if self._first:  # the hero is alone yet
            texts = [text for text in texts if "N" in slots_of(text) or not _TOGETHER.search(text)]
        return self.pick("tone", texts, fresh=True)

    def _texture(self, genre: str) -> str:
        return self.pick(f"texture {genre}", self.stock.texts("genre", genre), fresh=True)

    # ── picking ──

    def pick(self, name: str, texts: Sequence[str], *, fresh: bool = False) -> str:
        """Return a text that the story doesn't have yet, filled; with `fresh` nothing where it has them all."""
        if not texts or (fresh and all(told(text, self.said) for text in texts if self._usable(text))):
            return ""
        return self._take(self._ordered(name, texts, spared=fresh))

    def _ordered(self, name: str, texts: Sequence[str], *, spared: bool = False) -> list[str]:
        """Return the pool in an order of the story's own; the first part's in one order for all stories.

        `spared`: what the first part took of the pool is left out later, since a memory doesn't tell of it.
        """
        common = sorted(texts, key=lambda text: number(name, text))
        if self._first:
            return common
        own = sorted(texts, key=lambda text: number(self.plan.key, name, text))
        if spared:
            usable = [text for text in common if not slots_of(text) & {"D", "DT"}]
            own.remove(usable[self._offset % len(usable)])
        return own

    @property
    def _first(self) -> bool:
        return self.parts == 0 and self.brief.kind == "part"

    def _take(self, texts: Sequence[str], slots: Any = None, start: int | None = None) -> str:
        usable = [text for text in texts if self._usable(text)] or list(texts)
        if start is None:
            start = (self._offset if self._first else self.parts) + self.turn.variant
        begin = start % len(usable)
        turned = [*usable[begin:], *usable[:begin]]
        untold = [one for one in turned if not told(one, self.said)]
        text = next((one for one in untold if one not in self.turn.used), next(iter(untold), turned[0]))
        self.used.add(text)
        done = fill(text, slots or self.plan.slots)
        self.said += f"\n{done}"
        return done

    def _usable(self, text: str) -> bool:
        return self.met or not slots_of(text) & {"D", "DT"}

    def _filled(self, text: str) -> str:
        done = fill(text, self.plan.slots)
        self.said += f"\n{done}"
        return done

    def _fitted(self, blocks: list[Block]) -> str:
        """Return the blocks as a text of the wanted length: the less needed ones go first."""
        blocks = [block for block in blocks if block.text]
        if self._limit >= 1000 and self.met and len(joined(blocks)) < ENOUGH_CHARS:
            blocks.insert(-1, Block(1, self.pick("talk", self.stock.texts("talk"), fresh=True), paragraph=True))
        while len(joined(blocks)) > self._limit and min(block.need for block in blocks) < 9:
            least = min(block.need for block in blocks)
            blocks.remove(next(block for block in reversed(blocks) if block.need == least))
        return joined(blocks)


def compose(brief: Brief, turn: Turn) -> tuple[str, frozenset[str]]:
    """Return the answer to a request for a part, an ending or an epilogue, and what it tells."""
    composer = Composer(brief, turn)
    answers = {"part": composer.part, "ending": composer.ending, "epilogue": composer.epilogue}
    return answers[brief.kind](), frozenset(composer.used)
