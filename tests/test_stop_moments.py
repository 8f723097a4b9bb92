"""A stop just before a turn's worker reserves tokens: nothing is reserved once the turn has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from sandbox.model_faults import Behaviour, Received
from tests.harness import BotHarness, until
from tests.recordings import recording


def long_part(number: int) -> str:
    """Return a part that repeats neither itself nor another one."""
    return " ".join(f"Ветер {number}.{gust} дул с моря, и лампа качалась." for gust in range(18))


@contextmanager
def held(harness: BotHarness, kind: str, text: str = "") -> Iterator[Event]:
    """Hold requests of this kind whose body has `text` until the block ends; the event is set when one has come.

    Every completion is answered with a long part.
    """
    come, released = Event(), Event()

    def rule(received: Received) -> Behaviour | None:
        if received.kind == kind and text in str(received.body):
            come.set()
            released.wait(20)
        return Behaviour(text=long_part(len(harness.models.requests))) if received.kind == "completion" else None

    harness.models.faults.rule = rule
    try:
        yield come
    finally:
        released.set()


def worker_is_done(harness: BotHarness) -> bool:
    assert harness.app is not None
    return not any(harness.app.turns.counts())


def test_while_the_prompt_is_counted(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_ANSWER=300, MAX_TOKENS_PER_REQUEST=1_400)
    harness.start()
    harness.writer(1)
    prompt_tokens = harness.db.value("call", "reserved") - 300
    harness.stop()
    harness.settings["MAX_TOKENS_PER_REQUEST"] = str(prompt_tokens * 11 // 10)  # so near that the vendor is asked
    harness.start()
    person = harness.at_summary(2)
    with held(harness, "tokenizer") as asked:
        person.press("✨ Начать историю")
        assert asked.wait(5)
        person.send("стоп")
        person.wait("ничего не написано и не потрачено")
        assert harness.db.open_turns() == 0
    until(lambda: worker_is_done(harness))
    assert harness.db.count("call", user_id=2) == 0
    assert harness.nothing_held()


def test_while_older_text_is_summarised(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=1_500, USER_TOKENS=100_000)
    harness.start()
    person = harness.writer()
    with held(harness, "completion", "Ты ведёшь память истории") as asked:
        while not asked.is_set():
            person.press("▶️ Дальше")
            until(lambda: asked.is_set() or harness.settled())
        turn_id = harness.db.last("turn", "id")
        person.send("стоп")
        person.wait("ничего не написано и не потрачено")
        assert harness.db.open_turns() == 0
    until(lambda: worker_is_done(harness))
    assert [(call["purpose"], call["state"]) for call in harness.db.rows("call", turn_id=turn_id)] == [
        ("summary", "returned")
    ]
    assert harness.nothing_held()


def test_while_a_voice_message_is_fetched(harness: BotHarness) -> None:
    person = harness.new_person()
    harness.telegram.faults.hang("getFile", 20, after=True)
    person.voice(recording())
    until(lambda: harness.telegram.called("getFile"))
    person.send("стоп")
    person.wait("не слушаю")
    assert harness.db.open_turns() == 0
    harness.telegram.faults.clear()
    until(lambda: worker_is_done(harness))
    assert harness.db.count("call") == 0
    assert harness.nothing_held()
