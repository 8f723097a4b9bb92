"""`python bot.py` as whoever runs it sees it: exit codes, sentences, the profile, groups, and who blocks the bot."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import config
from tests.harness import ROOT, BotHarness, until

UNSET = {name + suffix: "" for name in config.names() for suffix in ("", config.FILE_SUFFIX)}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Return the finished process; only what is given is set, not even `.env` counts."""
    return subprocess.run(
        [sys.executable, "bot.py", *arguments],
        cwd=ROOT,
        env=os.environ | UNSET | environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_with_nothing_set_one_sentence_points_to_the_demo() -> None:
    done = run()
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "make demo" in said and "TELEGRAM_TOKEN" in said
    assert len(said.strip().splitlines()) == 1 and "Traceback" not in said
    assert "no TELEGRAM_TOKEN" in (ROOT / "log.txt").read_text("utf-8")


def test_without_its_packages_one_sentence_says_how_to_install_them() -> None:
    command = [sys.executable, "-S", "bot.py"]  # -S: without the environment's packages
    done = subprocess.run(command, cwd=ROOT, env=os.environ | UNSET, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "make install" in done.stderr and "isn't installed" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_under_docker_an_invalid_configuration_is_no_reason_for_a_restart() -> None:
    done = run("--stay-down", TELEGRAM_TOKEN="nonsense", YANDEX_FOLDER_ID="b1g")
    assert done.returncode == 0
    assert "TELEGRAM_TOKEN: " in done.stderr and "stays stopped" in done.stderr


def test_a_check_in_a_container_names_an_address_that_is_the_container_itself(
    make_harness: Callable[..., BotHarness],
) -> None:
    settings = make_harness().environment() | {"OPENAI_BASE_URL": "http://localhost:1/v1", "MODEL_PROVIDER": "openai"}
    inside = run("--check", **settings, container="docker")
    assert inside.returncode == 1
    assert "OPENAI_BASE_URL: localhost is this container itself" in inside.stderr
    assert "http://host.docker.internal:1/v1" in inside.stderr
    outside = run("--check", **settings, container="")
    assert "container" not in outside.stderr


def test_a_stop_on_a_disk_that_takes_no_more_ends_without_a_traceback(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    process = subprocess.Popen(
        [sys.executable, "bot.py"],
        cwd=ROOT,
        env=os.environ | UNSET | harness.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    harness.processes.append(process)
    harness.new_person()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    harness.telegram.user(1).send("/help")  # something to log
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=40)[1]
    assert process.returncode == 0
    assert "Traceback" not in said and "Exception ignored" not in said


def test_all_faults_of_the_configuration_are_named_at_once() -> None:
    done = run(TELEGRAM_TOKEN="nonsense", MODEL_SLOTS="many", ADMIN_IDS="Анна", YANDEX_FOLDER_ID="b1g")
    said = done.stdout + done.stderr
    assert done.returncode == 2
    for name in ("TELEGRAM_TOKEN", "MODEL_SLOTS", "ADMIN_IDS"):
        assert name in said
    assert "Traceback" not in said


def check(harness: BotHarness, **changed: str) -> tuple[int, dict[str, str]]:
    """Return what `--check` ends with: its exit code, and its line for each part."""
    done = run("--check", **(harness.environment() | changed))
    lines = [line.split(":", 1)[0].split() for line in done.stdout.splitlines()]
    return done.returncode, {part: state for state, part in lines}


WELL = {
    "network": "ok",
    "token": "ok",
    "clock": "ok",
    "model": "ok",
    "models": "ok",
    "limits": "ok",
    "database": "ok",
    "log": "ok",
}


def test_a_check_says_a_line_for_each_part_and_makes_no_database(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    assert check(harness) == (0, WELL)
    assert not list(harness.folder.glob("bot.db*"))


def test_a_check_beside_a_running_bot_changes_nothing(harness: BotHarness) -> None:
    harness.writer()
    before = harness.db.count("call"), harness.db.last("inbox", "id")
    assert check(harness) == (0, WELL)
    assert (harness.db.count("call"), harness.db.last("inbox", "id")) == before
    assert not [call for call in harness.telegram.called("getUpdates") if call.status == 409]


def test_a_check_says_which_models_there_are(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    both = harness.environment() | {"OPENAI_BASE_URL": harness.models.openai_url}
    line = next(line for line in run("--check", **both).stdout.splitlines() if "models:" in line)
    assert line.startswith("ok    models: yandexgpt-lite by default, others: aliceai-llm, ")
    assert "sandbox-storyteller, sandbox-other" in line
    away = run(
        "--check", **both | {"OPENAI_BASE_URL": harness.models.openai_url.replace("//", "//me:secret@") + "/no"}
    ).stdout
    assert f"{harness.models.openai_url}/no didn't list its own" in away and "secret" not in away and "FAIL" not in away


def test_a_file_of_models_with_faults_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    own.write_text('[[model]]\nname = "x"\nprice = 1')
    done = run(TELEGRAM_TOKEN="123456789:" + "A" * 35, YANDEX_FOLDER_ID="b1g", MODELS_FILE=str(own))
    assert done.returncode == 2 and "MODELS_FILE: " in done.stderr and "Traceback" not in done.stderr


def test_a_check_names_what_is_wrong(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    with closing(sqlite3.connect(harness.folder / "other.db")) as other:
        other.execute("create table other (id)")
    (harness.folder / "file").write_text("no folder")
    foreign = (harness.folder / "other.db").read_bytes()
    code, lines = check(
        harness,
        TELEGRAM_TOKEN="7000000009:WrongWrongWrongWrongWrongWrongWrong",
        YANDEX_API_KEY="wrong",
        DATABASE_PATH=str(harness.folder / "other.db"),
        LOG_FILE=str(harness.folder / "file" / "log.txt"),
    )
    assert (code, lines) == (
        1,
        dict.fromkeys(WELL, "FAIL") | {"network": "ok", "clock": "ok", "models": "ok", "limits": "ok"},
    )
    assert (harness.folder / "other.db").read_bytes() == foreign


def test_a_second_bot_on_the_same_database_refuses_with_a_sentence(harness: BotHarness) -> None:
    done = run(**harness.environment())
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "in use by another running bot" in said and "Traceback" not in said


def test_a_wrong_token_ends_the_process_with_a_sentence_that_names_it(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(TELEGRAM_TOKEN="7000000009:WrongWrongWrongWrongWrongWrongWrong")
    done = run(**harness.environment())
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "TELEGRAM_TOKEN" in said and "@BotFather" in said
    assert "WrongWrong" not in said and "Traceback" not in said


# ---------------------------------------------------------------------- the bot's profile

SETS = ("setMyName", "setMyDescription", "setMyShortDescription", "setMyCommands", "setMyProfilePhoto")


def writes(harness: BotHarness) -> dict[str, int]:
    return {method: len(harness.telegram.called(method)) for method in SETS}


def test_the_profile_is_written_after_the_first_poll_and_only_where_it_differs(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    harness.sets_profile = True
    harness.start()
    until(lambda: writes(harness)["setMyCommands"] == 4)
    # In Russian and English; the stand-in's bot has its Russian name already.
    once = {"setMyName": 1, "setMyDescription": 2, "setMyShortDescription": 2, "setMyCommands": 4}
    assert writes(harness) == once | {"setMyProfilePhoto": 1}
    methods = [call.method for call in harness.telegram.calls]
    assert methods.index("getUpdates") < methods.index("getMe")
    scopes = [json.loads(call.params["scope"])["type"] for call in harness.telegram.called("setMyCommands")]
    assert scopes == ["all_private_chats", "all_group_chats"] * 2
    assert len(harness.db.value("setting", "value", key="avatar")) == 64
    looked = len(harness.telegram.called("getMyCommands"))
    harness.restart()
    until(lambda: len(harness.telegram.called("getMyCommands")) == looked + 4)
    assert writes(harness) == once | {"setMyProfilePhoto": 1}


def test_a_refused_profile_harms_nothing_and_is_tried_at_the_next_start(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    for method in SETS:
        harness.telegram.faults.refuse(method, 429, retry_after=3000, times=2)
    harness.sets_profile = True
    harness.start()
    person = harness.new_person()
    until(lambda: writes(harness)["setMyDescription"] == 1)
    assert harness.db.count("setting", key="avatar") == 0
    harness.telegram.faults.clear()
    harness.restart()
    until(lambda: writes(harness)["setMyCommands"] == 4)
    assert harness.db.count("setting", key="avatar") == 1
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")


# ---------------------------------------------------------------------- groups, links, blocks


@pytest.mark.parametrize("command", ["/new_story", "/help@soavtor_demo_bot", "/whole_story"])
def test_a_command_in_a_group_is_answered_with_the_way_to_a_private_chat(harness: BotHarness, command: str) -> None:
    until(lambda: harness.db.count("setting", key="bot_username"))
    member = harness.telegram.group(-100500, "Клуб", [harness.telegram.user(1)]).member(harness.telegram.user(1))
    sent = member.send(command)
    answer = member.wait("t.me/soavtor_demo_bot?start=new")
    assert answer.reply_to == sent
    assert not answer.markup and not member.keyboard
    assert harness.db.count("user") == 0


def test_what_isnt_for_the_bot_in_a_group_stays_unanswered(harness: BotHarness) -> None:
    until(lambda: harness.db.count("setting", key="bot_username"))
    member = harness.telegram.group(-100500, "Клуб", [harness.telegram.user(1)], privacy=False).member(
        harness.telegram.user(1)
    )
    for text in ("Привет всем", "/weather", "/help@another_bot"):
        member.send(text)
    member.send("/help")
    member.wait("с глазу на глаз")
    assert len(member.bot_messages) == 1


def test_the_link_of_a_group_opens_the_wizard(harness: BotHarness) -> None:
    person = harness.telegram.user(1)
    person.send("/start new")
    person.wait("Шаг 1 из 5")


def test_a_user_who_blocks_the_bot_and_comes_back_is_noted(harness: BotHarness) -> None:
    person = harness.new_person()
    person.block()
    until(lambda: harness.db.value("user", "blocked") == 1)
    person.unblock()
    until(lambda: harness.db.value("user", "blocked") == 0)
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")


def test_the_log_file_of_a_bot_that_never_started_is_ignored_by_git() -> None:
    assert "log.txt" in Path(ROOT, ".gitignore").read_text("utf-8")


def test_a_file_system_that_cannot_lock_ends_the_start_with_a_sentence(make_harness: Callable[..., BotHarness]) -> None:
    """`fcntl.flock` fails here as it does on a network share without a lock daemon."""
    script = (
        "import errno, fcntl, sys\n"
        "def unable(*_): raise OSError(errno.ENOLCK, 'No locks available')\n"
        "fcntl.flock = unable\n"
        "import bot\n"
        "sys.exit(bot.main([]))"
    )
    environment = os.environ | UNSET | make_harness().environment()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert (
        "this file system can't lock files (No locks available): give DATABASE_PATH a file on a local disk"
        in done.stderr
    )
    assert "in use" not in done.stderr and "Traceback" not in done.stderr
