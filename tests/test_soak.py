"""The ten-minute run (`bench/soak`): what it counts as growth and as an answer, and that every habit plays."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ai.token_estimate import YANDEX, estimate
from bench import seed
from bench.bot_process import ROOT
from bench.soak import past
from bench.soak.__main__ import tell
from bench.soak.crowd import SHARES, counts, habits
from bench.soak.faults import CYCLE_S, Faults, ModelFaults, Order
from bench.soak.journal import Action, Journal
from bench.soak.model_calls import ModelCall, purposes
from bench.soak.run import Plan, Seen, run
from bench.soak.sampler import Sample
from bench.soak.sentences import Sentences
from bench.soak.stand_ins import WatchedTelegram
from bench.soak.verdict import Window, complaints, figures, starved, unmeasured, windows
from bench.soak.writers import HURRIES, WRITER
from conversation.steps import Step
from core.schemas import Message
from database import Database
from sandbox.model_faults import Behaviour, Received
from tests.harness import until
from tests.ready_made import shipped_locales

RUN_S = 600.0
TEXTS = shipped_locales()["ru"]
SAMPLE = Sample(
    0.0, rss_mib=100.0, threads=60, files=80, wal_mib=4.0, database_mib=1.0, cpu_s=1.0, waited_s=0.0, load=1.0
)
ACTION = Action(0.0, "writer", "▶️ Дальше", "written", "answered", first_s=0.5, answer_s=2.0)


def samples(**last: float) -> list[Sample]:
    """Return a sample a second; those of the last window differ by `last`."""
    after = windows(RUN_S)[1]
    usual = [replace(SAMPLE, at_s=float(second)) for second in range(int(RUN_S))]
    return [replace(sample, **last) if after.has(sample.at_s) else sample for sample in usual]  # type: ignore[arg-type]


def journal(*more: Action, answer_s: float = 2.0) -> Journal:
    """Return an action a second; those of the last window are answered after `answer_s`."""
    after = windows(RUN_S)[1]
    usual = (replace(ACTION, at=float(second)) for second in range(int(RUN_S)))
    return Journal([*(replace(one, answer_s=answer_s) if after.has(one.at) else one for one in usual), *more])


def said(
    *more: Action, answer_s: float = 2.0, violations: Sequence[str] = (), last: Mapping[str, float] = {}
) -> list[str]:
    """Return what is said against a run of this kind."""
    kept = journal(*more, answer_s=answer_s)
    return complaints(figures(samples(**last), kept, (), RUN_S), kept, violations, ())


def test_the_last_two_minutes_are_held_against_minutes_two_to_four() -> None:
    assert windows(600) == (Window(120, 240), Window(480, 600))
    assert windows(3600) == (Window(120, 240), Window(3480, 3600))
    assert windows(60) == (Window(12, 24), Window(48, 60))


@pytest.mark.parametrize(
    ("name", "tenth", "more"),
    [("rss_mib", 110, 111), ("threads", 67, 68), ("files", 90, 91), ("wal_mib", 4.4, 4.5)],
)
def test_what_grows_by_more_than_a_tenth_is_told(name: str, tenth: float, more: float) -> None:
    assert said(last={name: tenth}) == []
    [line] = said(last={name: more})
    assert "grew by" in line and "→" in line


def test_later_answers_are_told_and_earlier_ones_are_not() -> None:
    assert said(answer_s=2.2) == [] and said(answer_s=1.0) == []
    p50, p95 = said(answer_s=2.3)
    assert p50 == "an answer of a model: answer, p50 grew by 15%: 2.00 → 2.30 s" and "p95" in p95


def test_what_a_fault_held_up_for_everybody_is_no_latency() -> None:
    down = [Order(480.0, "network down", lasts_s=60.0)]
    late = Journal([replace(one, answer_s=9.0) if 480 <= one.at < 540 else one for one in journal().actions])
    assert complaints(figures(samples(), late, down, RUN_S), late, (), ()) == []
    assert len(complaints(figures(samples(), late, (), RUN_S), late, (), ())) == 2


def test_a_machine_that_does_other_work_is_told() -> None:
    even = [replace(sample, waited_s=sample.at_s * 0.2) for sample in samples()]
    late = [replace(sample, waited_s=sample.waited_s + max(0.0, sample.at_s - 480)) for sample in even]
    assert starved(even, RUN_S) == ""
    assert "20% of the time, and 119% at the end" in starved(late, RUN_S)


def test_a_long_run_in_which_nobody_is_answered_or_nothing_is_read_is_told() -> None:
    told = replace(ACTION, outcome="told", note="problem.model_away")
    quick = [replace(ACTION, at=float(second), path="quick") for second in range(int(RUN_S))]
    whole = journal(*quick)
    assert unmeasured(samples(), whole, (), RUN_S) == []
    silent = Journal([replace(told, at=one.at) if one.at >= 480 else one for one in whole.actions])
    assert unmeasured(samples(), silent, (), RUN_S) == [
        "minutes 8 to 10 have 0 times «an answer of the bot alone», fewer than 50: nothing can be compared",
        "minutes 8 to 10 have 0 times «an answer of a model», fewer than 50: nothing can be compared",
    ]
    [line] = unmeasured(samples()[:480], whole, (), RUN_S)
    assert line.startswith("minutes 8 to 10 have no sample")
    assert unmeasured((), Journal(), (), 180.0) == [], "a short run compares what it can"


def test_a_short_run_is_too_short_to_judge_growth(capsys: pytest.CaptureFixture[str]) -> None:
    grown = [replace(SAMPLE, at_s=float(second), rss_mib=100.0 + second) for second in range(120)]
    seen = Seen(Journal(), grown, [], {}, {}, {}, [], [], [])
    assert tell(seen, 120.0) == 0
    printed = capsys.readouterr().out
    assert "The run was too short to judge growth, and everybody was answered." in printed
    assert "Faults: none" in printed


def test_who_ends_a_run_ends_its_bot_too() -> None:
    script = """
import time
from bench.bot_process import end_by_sigterm
end_by_sigterm()
try:
    print("runs", flush=True)
    time.sleep(60)
finally:
    print("stopped")
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "runs\n"
        process.terminate()
        assert process.stdout.read() == "stopped\n"


def test_a_moment_of_growth_is_none() -> None:
    usual = samples()
    usual[-30:] = [replace(sample, wal_mib=40.0) for sample in usual[-30:]]
    kept = journal()
    assert complaints(figures(usual, kept, (), RUN_S), kept, (), ()) == []


def test_silence_errors_and_broken_calls_are_told() -> None:
    silent = replace(ACTION, outcome="silent", note="Анна waited")
    bug = replace(ACTION, outcome="told", note="problem.bug")
    dead = replace(ACTION, outcome="told", note="problem.dead_letter")
    assert "an error of the bot" in said(dead)[0] and said(replace(dead, habit="hostile")) == []
    away = replace(ACTION, outcome="told", note="problem.model_away")
    assert said(away) == []
    assert "never answered" in said(silent)[0] and "«▶️ Дальше»: Анна waited" in said(silent)[1]
    assert "an error of the bot" in said(bug)[0]
    assert "contract" in said(violations=["sendMessage: no text"])[0]


def test_every_cycle_has_every_fault_once_and_a_seed_gives_the_order() -> None:
    telegram = WatchedTelegram()
    with telegram:
        faults = Faults(telegram, ModelFaults(lambda _: Behaviour(), "", seed=1), Path("bot.db"), lambda: 0)
    orders = faults.orders(seed=3, seconds=RUN_S)
    assert orders == faults.orders(seed=3, seconds=RUN_S) != faults.orders(seed=4, seconds=RUN_S)
    for window in windows(RUN_S):
        within = [order for order in orders if window.has(order.at_s)]
        assert sorted(order.name for order in within) == sorted(faults.names)
    before, after = (
        [(order.name, round(order.at_s - window.since_s, 3)) for order in orders if window.has(order.at_s)]
        for window in windows(RUN_S)
    )
    assert before == after, "what is compared has them at the same times"
    assert all(CYCLE_S - order.at_s % CYCLE_S > 3 for order in orders), "a fault ends in its own cycle"


def test_a_models_faults_are_the_seeds_and_are_off_before_and_after() -> None:
    received = Received("completion", "/", {}, {}, 0.0)

    def met(seed: int, *, on: bool) -> Counter[str]:
        rule = ModelFaults(lambda _: Behaviour(), "", seed=seed)
        rule.on = on
        for _ in range(2000):
            rule(received)
        return rule.met

    assert met(1, on=True) == met(1, on=True) and len(met(1, on=True)) > 5
    assert not met(1, on=False)


@pytest.mark.parametrize(
    ("text", "notice", "told"),
    [
        ("Вы в очереди: место 7", True, ""),
        ("🎨 Рисую, это недолго…", True, ""),
        ("📖 «Маяк». Пишу начало, потом ваша очередь", True, ""),
        ("Я уже пишу, второй раз нажимать не нужно. Ход не потрачен.", False, "story.busy_next"),
        (TEXTS.plain("problem.model_away"), False, "problem.model_away"),
        (TEXTS.plain("problem.bug"), False, "problem.bug"),
        (TEXTS.plain("wrong.sticker", now="мы в меню."), False, "wrong.sticker"),
        ("Он поднял фонарь и пошёл вниз.", False, ""),
        ("Шаг 1 из 5 · жанр\n\nКакую историю напишем?", False, ""),
    ],
)
def test_a_notice_a_sentence_and_an_answer_are_told_apart(text: str, notice: bool, told: str) -> None:
    sentences = Sentences(TEXTS.templates())
    assert (sentences.is_notice(text), sentences.told(text)) == (notice, told)


def test_everybody_has_a_habit() -> None:
    assert counts(500) == SHARES and sum(SHARES.values()) == 500
    for people in (15, 40, 333, 1000):
        assert sum(counts(people).values()) == people and min(counts(people).values()) > 0


def test_those_who_write_are_anywhere_in_a_story_or_before_one(tmp_path: Path) -> None:
    seed.fill(tmp_path / "bot.db")
    writers = [one for one in habits(45) if one[1] in (WRITER, HURRIES)]
    past.write(tmp_path / "bot.db", writers, TEXTS, seed=1)
    db = Database(tmp_path / "bot.db")
    users = [user for user_id, _ in writers if (user := db.users.get(user_id)) is not None]
    stories = [story for user in users if user.session_id and (story := db.stories.get(user.session_id))]
    paths = [db.tree.path(story.head_id) for story in stories]
    steps = Counter(user.step for user in users)
    assert steps[Step.STORY] > len(writers) / 3 and steps[Step.FINISHED] == sum(story.finished for story in stories) > 0
    assert {user.id for user in users if user.step not in (Step.STORY, Step.FINISHED)} == set(db.drafts)
    assert len({db.tree.parts(story.head_id) for story in stories}) > 5
    assert 0 < sum(bool(path.memory) for path in paths) < len(paths)
    for path in paths:  # as much as the bot itself would have left of older text
        assert estimate([Message(one.role, one.text) for one in path.prompts], {}, YANDEX) < past.BUDGET
    db.close()


def test_calls_of_the_models_are_counted_by_what_for_and_when() -> None:
    calls = [ModelCall(130.0, "part"), ModelCall(239.9, "summary"), ModelCall(239.9, "part"), ModelCall(240.0, "part")]
    assert purposes(calls, Window(120.0, 240.0)) == {"part": 2, "summary": 1}


@pytest.mark.timeout(120)
def test_every_habit_plays_and_is_answered() -> None:
    seen = run(Plan(people=15, seconds=2.0, think_s=0.3))
    assert seen.errors == [] and seen.violations == [] and seen.journal.silent() == []
    answered = {action.habit for action in seen.journal.actions if action.outcome == "answered"}
    assert answered == set(SHARES)
    assert "part" in {call.purpose for call in seen.asked}
    assert seen.samples and seen.samples[-1].rss_mib > 10 and seen.samples[-1].threads > 10
    until(lambda: not [thread for thread in threading.enumerate() if thread.name in ("sampler", "faults")])
