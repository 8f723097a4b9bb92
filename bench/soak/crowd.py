"""Who has which habit, and the threads in which they live a run."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from bench.load import FIRST_ID, USERS
from bench.soak.person import Finished, Person, Stage
from bench.soak.talkers import chats, sends_recordings_and_pictures, talks_to_characters
from bench.soak.visitors import is_hostile, pays, plays_in_group, reads_shelf, searches_inline
from bench.soak.writers import HURRIES, WRITER, hurries, writes_stories
from sandbox.telegram import TelegramServer
from sandbox.users import NotShown

GROUP_ID: Final = -1001000
IN_GROUP: Final = 4
GROUPS: Final = "group"
# Of 500 people.
SHARES: Final = {
    WRITER: 180,
    HURRIES: 40,
    "chat": 70,
    "characters": 60,
    "voice and pictures": 40,
    "inline": 30,
    "shelf": 30,
    "payer": 20,
    GROUPS: 20,
    "hostile": 10,
}
HABITS: Final[dict[str, Callable[[Person], None]]] = {
    WRITER: writes_stories,
    HURRIES: hurries,
    "chat": chats,
    "characters": talks_to_characters,
    "voice and pictures": sends_recordings_and_pictures,
    "inline": searches_inline,
    "shelf": reads_shelf,
    "payer": pays,
    "hostile": is_hostile,
}


def counts(people: int) -> dict[str, int]:
    """Return how many of so many people have each habit: the shares of 500, at least one, whole groups."""
    found = {habit: max(1, round(share * people / 500)) for habit, share in SHARES.items()}
    found[GROUPS] = max(1, found[GROUPS] // IN_GROUP) * IN_GROUP
    found[WRITER] = max(1, found[WRITER] + people - sum(found.values()))
    return found


def habits(people: int) -> list[tuple[int, str]]:
    """Return the ids and habits of all but the groups' members. Those who write are known to the bot."""
    found = [habit for habit, number in counts(people).items() for _ in range(number) if habit != GROUPS]
    return [
        (FIRST_ID + place + (0 if habit in (WRITER, HURRIES) else USERS), habit) for place, habit in enumerate(found)
    ]


@dataclass
class Crowd:
    """The people of a run; `errors` are the faults of their habits, which are the measurement's own."""

    telegram: TelegramServer
    stage: Stage
    seed: int
    errors: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, people: int, ramp_s: float) -> None:
        """Have everybody come, one after the other in any order, within `ramp_s`."""
        lives = [self._life(user_id, habit) for user_id, habit in habits(people)]
        lives += [self._group(number) for number in range(counts(people)[GROUPS] // IN_GROUP)]
        random.Random(self.seed).shuffle(lives)
        for place, life in enumerate(lives):
            thread = threading.Thread(target=life, args=(place * ramp_s / len(lives),), daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self, timeout_s: float) -> bool:
        """Wait until everybody has the last answer; return whether they have."""
        ends_at = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, ends_at - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _life(self, user_id: int, habit: str) -> Callable[[float], None]:
        person = self._person(user_id, habit)
        return lambda waits_s: self._lives(waits_s, lambda: HABITS[habit](person))

    def _group(self, number: int) -> Callable[[float], None]:
        first_id = FIRST_ID + 2 * USERS + number * IN_GROUP
        members = [self._person(first_id + place, GROUPS) for place in range(IN_GROUP)]
        group = self.telegram.group(GROUP_ID - number, f"Клуб {number}", [member.user for member in members])
        # Four write by turns: each thinks a quarter of the time.
        stage = replace(self.stage, think_s=self.stage.think_s / IN_GROUP * 2)
        inside = [Person(stage, group.member(member.user), GROUPS, member.chance) for member in members]

        def play() -> None:
            group.welcome_bot(members[0].user)
            plays_in_group(inside)

        return lambda waits_s: self._lives(waits_s, play)

    def _person(self, user_id: int, habit: str) -> Person:
        user = self.telegram.user(user_id, "Анна", language_code="ru")
        return Person(self.stage, user, habit, random.Random(f"{self.seed} {user_id}"))

    def _lives(self, waits_s: float, habit: Callable[[], None]) -> None:
        """Live a habit to the run's end; begin it anew when a button has gone meanwhile."""
        if self.stage.ending.wait(waits_s):
            return
        while not self.stage.ending.is_set():
            try:
                habit()
            except Finished:
                return
            except NotShown:
                continue
            except Exception as error:
                self.errors.append(f"{type(error).__name__}: {error}")
                return
