"""What holds for every kind of turn: limits, stops, failures, a restart, a kill, several people and messages at once.

How each kind is started and answered stands in `kinds_of_turn.py`; what only one kind does has tests of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.kinds_of_turn import KINDS, WORDS, KindOfTurn, answers
from tests.test_kinds import KINDS as REGISTERED

# Not started by a user in a chat with the bot: `test_guests.py` and `test_first_letters.py` play these scenes.
ELSEWHERE = {"guest", "letter"}
HELP = "Мы пишем историю вдвоём"
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def started(harness: BotHarness, kind: KindOfTurn, behaviour: Behaviour) -> ChatUser:
    """Let somebody start a turn whose request meets `behaviour`, and wait until the request has come."""
    person = kind.somebody(harness, 1)
    until(harness.settled)
    start(harness, kind, person, behaviour)
    return person


def start(harness: BotHarness, kind: KindOfTurn, person: ChatUser, behaviour: Behaviour) -> None:
    """Start a turn whose request meets `behaviour`, and wait until the request has come."""
    before = kind.requests(harness)
    harness.models.faults.rule = kind.meets(behaviour)
    kind.start(person)
    until(lambda: kind.requests(harness) > before)


def times_shown(person: ChatUser, kind: KindOfTurn) -> int:
    """Return how many messages of the bot show this kind's answer."""
    return sum(map(kind.shown, person.bot_messages))


def test_the_table_has_every_kind_that_the_code_knows() -> None:
    assert set(KINDS) | ELSEWHERE == set(REGISTERED)


@every_kind
def test_it_is_answered_and_paid_once(harness: BotHarness, kind: KindOfTurn) -> None:
    person = kind.somebody(harness, 1)
    until(harness.settled)
    before = harness.db.balance()
    harness.models.faults.rule = answers
    kind.start(person)
    person.wait(kind.shown)
    until(harness.settled)
    assert times_shown(person, kind) == 1
    assert harness.db.balance() < before
    assert set(kind.calls(harness, kind.newest(harness))) == {"settled"}
    harness.check_books()


@every_kind
def test_without_tokens_it_is_refused_and_nothing_is_asked(harness: BotHarness, kind: KindOfTurn) -> None:
    person = kind.somebody(harness, 1)
    until(harness.settled)
    harness.db.change("user", balance=0)
    asked, heads = len(harness.models.requests), set(harness.db.values("session", "head_id"))
    kind.start(person)
    person.wait(kind.no_tokens)
    until(harness.settled)
    assert len(harness.models.requests) == asked
    assert set(harness.db.values("session", "head_id")) <= heads | {None}
    assert harness.db.balance() == 0 and harness.nothing_held()


@every_kind
def test_a_service_that_is_away_costs_nothing_and_can_be_asked_again(harness: BotHarness, kind: KindOfTurn) -> None:
    person = started(harness, kind, Behaviour(status=500))
    failed = person.wait(kind.away)
    until(harness.settled)
    assert kind.calls(harness, kind.newest(harness)) == ["returned"] and harness.nothing_held()
    assert ("🔁 Повторить" in failed.labels) == kind.can_be_repeated
    if kind.can_be_repeated:
        harness.models.faults.rule = answers
        person.tap("🔁 Повторить", failed)
        person.wait(kind.shown)
        until(harness.settled)
        assert times_shown(person, kind) == 1
    harness.check_books()


@pytest.mark.parametrize("way", ["стоп", "/cancel"])
@every_kind
def test_a_stop_works_at_once_and_waiting_words_go_next(harness: BotHarness, kind: KindOfTurn, way: str) -> None:
    person = started(harness, kind, Behaviour(hang=True))
    words_id = person.send(WORDS)
    until(lambda: harness.db.count("inbox", state="new") or not kind.words_wait)
    harness.models.faults.rule = answers
    person.send(way)
    stopped = person.wait(kind.stopped, timeout=5)
    comes_after, then = stopped.id if kind.words_wait else words_id, kind.then_stopped or kind.then
    person.wait(lambda message: message.id > comes_after and then(message), since=0)
    until(harness.settled)
    harness.check_books()


@every_kind
def test_help_is_answered_while_it_runs(harness: BotHarness, kind: KindOfTurn) -> None:
    person = started(harness, kind, Behaviour(hang=True))
    person.send("/help")
    person.wait(HELP)
    assert times_shown(person, kind) == 0
    person.send("стоп")
    person.wait(kind.stopped)


@every_kind
def test_after_a_restart_it_is_answered_before_the_words_that_waited(harness: BotHarness, kind: KindOfTurn) -> None:
    person = started(harness, kind, Behaviour(hang=True))
    turn_id = kind.newest(harness)
    words_id = person.send(WORDS)
    harness.models.faults.rule = answers
    harness.restart()
    shown = person.wait(kind.shown, since=0)
    comes_after = shown.id if kind.words_wait else words_id
    person.wait(lambda message: message.id > comes_after and kind.then(message), since=0)
    until(harness.settled)
    assert harness.db.count("call", state="lost") == 1
    assert kind.calls(harness, turn_id) == ["lost", "settled"]
    harness.check_books()


@every_kind
def test_two_people_at_once_are_both_answered(make_harness: Callable[..., BotHarness], kind: KindOfTurn) -> None:
    harness = make_harness(MODEL_SLOTS=1)
    harness.start()
    first, second = kind.somebody(harness, 1), kind.somebody(harness, 2)
    until(harness.settled)
    harness.models.faults.rule = answers
    for person in (first, second):
        kind.start(person)
    for person in (first, second):
        person.wait(kind.shown)
    until(harness.settled)
    assert [times_shown(person, kind) for person in (first, second)] == [1, 1]
    harness.check_books()


def test_killed_while_a_turn_of_every_kind_runs_it_answers_each_once(make_harness: Callable[..., BotHarness]) -> None:
    # `cover` runs as `picture` does, `speaking` as `reading`: there are no more workers for services.
    kinds = {name: kind for name, kind in KINDS.items() if name not in ("cover", "speaking")}
    harness = make_harness(MODEL_SLOTS=len(kinds))
    process = harness.process()
    people = {name: kind.somebody(harness, user_id) for user_id, (name, kind) in enumerate(kinds.items(), start=1)}
    until(harness.settled)
    for name, person in people.items():
        start(harness, kinds[name], person, Behaviour(hang=True))
    harness.kill(process)
    harness.models.faults.rule = answers
    harness.process()
    for name, person in people.items():
        person.wait(kinds[name].shown, timeout=20)
    until(harness.settled)
    assert {name: times_shown(person, kinds[name]) for name, person in people.items()} == dict.fromkeys(kinds, 1)
    assert harness.db.count("call", state="lost") == len(kinds)
    harness.check_books()
