"""/forget_me in a group: one's own words go, the others' stay."""

from __future__ import annotations

import pytest

from tests.forgetting import forget, rows_naming
from tests.harness import BotHarness, until
from tests.test_groups import BOT, GROUP_ID, club

# Words that stand nowhere else, a kind of place each; the index of words keeps them by their letters.


@pytest.mark.parametrize("begins", [1, 2])
def test_in_a_group_ones_own_words_go_and_the_others_stay(harness: BotHarness, begins: int) -> None:
    _, people = club(harness, 1, 2)
    asker = dict(zip((1, 2), people, strict=True))
    for user_id, word in ((begins, "первое"), (3 - begins, "второе"), (begins, "третье")):
        harness.says(f"Ответ про {word} от {user_id}.")
        asker[user_id].send(f"{BOT} скажи про {word} для {user_id}")
        asker[user_id].wait(f"про {word} от")
    until(harness.settled)
    first = harness.telegram.user(1, "Имя1")
    first.send("/start")
    first.wait("Кнопки под сообщением")
    forget(harness, first)
    assert rows_naming(harness, 1) == {}
    left = {"|".join(harness.db.values("prompt", "text"))}
    assert all("для 1" not in text and "от 1" not in text and "для 2" in text for text in left)
    harness.says("Помню.")
    asker[2].send(f"{BOT} а дальше?")
    asker[2].wait("Помню.")
    said = [one["text"] for one in harness.prompts()[-1]]
    assert any("для 2" in text for text in said) and not any("для 1" in text for text in said)
    assert harness.db.value("session", "user_id", chat_id=GROUP_ID) == 2


def test_a_group_talk_of_nobody_else_goes_with_its_user(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    harness.says("Ответ.")
    anna.send(f"{BOT} скажи")
    anna.wait("Ответ.")
    until(harness.settled)
    person = harness.telegram.user(1, "Имя1")
    person.send("/start")
    person.wait("Кнопки под сообщением")
    forget(harness, person)
    assert harness.db.count("session") == 0
