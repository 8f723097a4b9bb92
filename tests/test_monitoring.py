"""Watching the bot: `/health`, `/metrics`, `--health`, and what systemd's watchdog is told."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.parser import text_string_to_metric_families

from app.application import App
from app.watchdog import make_metrics
from bot import main
from config import Config
from core.errors import StorageError
from core.http_client import HttpClient
from core.metrics import SILENT
from core.network import Network
from monitoring.health import WRITE_EVERY_S, Health, Heartbeat
from monitoring.health_client import ask
from monitoring.server import MonitoringServer
from monitoring.systemd import Supervisor
from sandbox.demo import free_port
from sandbox.model_faults import Behaviour
from sandbox.telegram import TelegramServer
from telegram.api_client import BotApi
from telegram.polling import Polling
from tests.harness import ROOT, BotHarness, until
from tests.test_process import run

PARTS = {"polling", "handlers", "turns", "sending", "ticker", "database"}


@pytest.fixture
def watched(make_harness: Callable[..., BotHarness]) -> BotHarness:
    """Return a harness whose bot serves health and metrics."""
    harness = make_harness(METRICS_PORT=0)
    harness.start()
    return harness


def page(harness: BotHarness, path: str) -> requests.Response:
    assert harness.app is not None
    return requests.get(f"http://127.0.0.1:{harness.app.watch.port}{path}", timeout=5)


def health(harness: BotHarness) -> tuple[int, dict[str, str]]:
    answer = page(harness, "/health")
    return answer.status_code, answer.json()["parts"]


def metrics(harness: BotHarness) -> dict[str, float]:
    """Every value by its name and its labels, as `turns_total{kind=part,outcome=answered}`."""
    found = {}
    for family in text_string_to_metric_families(page(harness, "/metrics").text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name.removeprefix('coauthor_')}{{{labels}}}".removesuffix("{}")] = sample.value
    return found


def metrics_with(harness: BotHarness, name: str, value: float) -> dict[str, float]:
    """Every value, once this one is there."""
    until(lambda: metrics(harness).get(name) == value)
    return metrics(harness)


# ---------------------------------------------------------------------- health


def test_a_bot_that_goes_round_is_well(watched: BotHarness) -> None:
    until(lambda: health(watched)[0] == 200)
    assert health(watched) == (200, dict.fromkeys(PARTS, "ok"))


def test_a_bot_whose_telegram_is_away_is_well(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(METRICS_PORT=0)
    harness.telegram.faults.drop("getUpdates", times=1000)
    harness.start()
    until(lambda: health(harness)[0] == 200)
    assert harness.app is not None and harness.app.source.tried.wait(5)
    assert health(harness)[0] == 200
    assert "poll_age_seconds" not in metrics(harness)


def test_a_bot_whose_polling_has_ended_is_not(watched: BotHarness) -> None:
    until(lambda: health(watched)[0] == 200)
    watched.telegram.faults.refuse("getUpdates", 401, "Unauthorized")
    watched.telegram.user(1).send("/start")  # ends the request under way; the next one is refused
    until(lambda: health(watched)[0] == 503)
    parts = health(watched)[1]
    assert parts.pop("polling") == "its thread has ended"
    assert set(parts.values()) == {"ok"}
    assert metrics(watched)["part_well{part=polling}"] == 0


def test_a_request_for_updates_that_never_ends_is_noticed(telegram: TelegramServer) -> None:
    telegram.faults.hang("getUpdates", 60)
    api = BotApi(telegram.token, telegram.url, HttpClient(Network()))
    polling = Polling(api, lambda batch: None, lambda error: None, late_s=-1000)
    assert polling.health_problem() == "its thread has ended"
    polling.start()
    assert until(polling.health_problem).startswith("no request has ended")
    polling.stop()


class PingedDatabase:
    """A database that answers unless it has an `error`."""

    error = ""
    write_error = ""

    def ping(self) -> None:
        if self.error:
            raise StorageError(self.error)

    def ping_write(self) -> None:
        if self.error or self.write_error:
            raise StorageError(self.error or self.write_error)


def test_a_database_that_fails_or_hangs_and_a_ticker_that_stops_are_noticed() -> None:
    now, database = [100.0], PingedDatabase()
    heartbeat = Heartbeat(database, lambda: now[0])
    assert (heartbeat.ticker_problem(), heartbeat.database_problem()) == ("it hasn't begun", "")
    heartbeat.beat()
    assert (heartbeat.ticker_problem(), heartbeat.database_problem()) == ("", "")
    database.error = "disk I/O error"
    heartbeat.beat()
    assert (heartbeat.ticker_problem(), heartbeat.database_problem()) == ("", "disk I/O error")
    database.error = ""
    now[0] += WRITE_EVERY_S
    heartbeat.beat()
    now[0] += 61
    assert heartbeat.ticker_problem() == "it hasn't run for 61 s"
    assert heartbeat.database_problem() == "no answer for 61 s"


def test_a_database_that_reads_and_doesnt_write_is_unwell_until_it_writes_again() -> None:
    now, database = [100.0], PingedDatabase()
    heartbeat = Heartbeat(database, lambda: now[0])
    heartbeat.beat()
    database.write_error = "database or disk is full"
    seen = []
    for _ in range(int(WRITE_EVERY_S) + 3):
        now[0] += 1
        heartbeat.beat()
        seen.append(heartbeat.database_problem())
    assert seen == [""] * int(WRITE_EVERY_S - 1) + ["database or disk is full"] * 4, "a read doesn't clear it"
    database.write_error = ""
    now[0] += WRITE_EVERY_S
    heartbeat.beat()
    assert heartbeat.database_problem() == ""


def test_a_disk_that_takes_no_more_is_unwell_and_well_when_there_is_space(
    make_harness: Callable[..., BotHarness],
) -> None:
    port = free_port()
    harness = make_harness(METRICS_PORT=port)
    process = harness.process()
    until(lambda: health_at(port)[0] == 200, 30)
    limits = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    until(lambda: health_at(port)[0] == 503, 30)
    parts = health_at(port)[1]
    broken = {part: problem for part, problem in parts.items() if problem != "ok"}
    assert broken.keys() == {"database"} and broken["database"]
    assert 'coauthor_part_well{part="database"} 0.0' in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
    until(lambda: health_at(port)[0] == 200, 30)


def health_at(port: int) -> tuple[int, dict[str, str]]:
    """Return the status and the parts of `/health`; 0 while nobody listens."""
    try:
        answer = requests.get(f"http://127.0.0.1:{port}/health", timeout=5)
    except requests.ConnectionError:
        return 0, {}
    return answer.status_code, answer.json()["parts"]


def test_a_ticker_whose_thread_ended_is_noticed() -> None:
    heartbeat = Heartbeat(PingedDatabase())
    ticker = threading.Thread(target=heartbeat.beat)
    ticker.start()
    ticker.join()
    assert heartbeat.ticker_problem() == "its thread has ended"


def test_the_health_of_a_running_bot_is_asked_for_on_the_command_line(watched: BotHarness) -> None:
    until(lambda: health(watched)[0] == 200)
    assert watched.app is not None
    environment = watched.environment() | {"METRICS_PORT": str(watched.app.watch.port)}
    done = run("--health", **environment)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")
    assert done.stdout == "polling, handlers, turns, sending, ticker, database: all well\n"
    watched.telegram.faults.refuse("getUpdates", 401, "Unauthorized")
    watched.telegram.user(1).send("/start")
    until(lambda: health(watched)[0] == 503)
    assert ask(Config.from_env(environment)) == (False, "polling: its thread has ended")
    watched.stop()
    done = run("--health", **environment)
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert "nobody answers at 127.0.0.1" in done.stdout


def test_what_may_be_run_by_root_makes_no_log_although_the_settings_are_wrong(tmp_path: Path) -> None:
    environment = {"TELEGRAM_TOKEN": "x", "METRICS_PORT": "x", "LOG_FILE": str(tmp_path / "log.txt")}
    for command in (["--health"], ["--backup", str(tmp_path / "b.db")], ["--restore", str(tmp_path / "b.db")]):
        assert main(command, environment) == 2
    assert not list(tmp_path.iterdir())


def test_whoever_else_listens_there_isnt_taken_for_the_bot(harness: BotHarness, telegram: TelegramServer) -> None:
    environment = harness.environment()
    assert ask(Config.from_env(environment))[0] is False
    config = Config.from_env(environment | {"METRICS_PORT": str(telegram.port), "METRICS_HOST": "0.0.0.0"})
    assert ask(config) == (False, f"somebody else answers at 127.0.0.1:{telegram.port}")


def test_a_port_that_is_taken_is_named_in_a_sentence(
    harness: BotHarness, telegram: TelegramServer, tmp_path: Path
) -> None:
    database = str(tmp_path / "other.db")
    done = run(**(harness.environment() | {"METRICS_PORT": str(telegram.port), "DATABASE_PATH": database}))
    assert done.returncode == 1
    assert "METRICS_PORT" in done.stderr and "Traceback" not in done.stderr


def test_it_listens_at_addresses_of_both_kinds(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(METRICS_PORT=0, METRICS_HOST="::1")
    app = harness.start()
    answer = requests.get(f"http://[::1]:{app.watch.port}/health", timeout=5)
    assert answer.headers["Content-Type"] == "application/json"


# ---------------------------------------------------------------------- metrics


def test_a_story_is_counted(watched: BotHarness) -> None:
    watched.writer()
    metrics_with(watched, "outbox_messages", 0)
    counted = metrics_with(watched, "inbox_updates{state=turn}", 0)
    assert counted["turns_total{kind=part,outcome=answered}"] == 1
    assert counted["turn_seconds_count{kind=part}"] == 1
    assert counted["turn_first_text_seconds_count"] == 1
    assert counted["updates_total{verdict=turn}"] == 1
    assert counted["updates_total{verdict=done}"] == 6
    for column in ("input", "output", "charged"):
        assert counted[f"tokens_total{{direction={column}}}"] == watched.db.total("call", column)
    assert counted["users"] == 1
    assert counted["budget_used_tokens"] == watched.db.value("budget", "spent")
    assert counted["budget_limit_tokens"] == 1_000_000
    assert counted["inbox_updates{state=new}"] == counted["inbox_updates{state=turn}"] == 0
    assert counted["turns_running"] == counted["turns_waiting{line=model}"] == 0
    assert 0 <= counted["poll_age_seconds"] < 60
    assert counted["process_resident_memory_bytes"] > 1e6


def test_what_goes_on_and_what_was_stopped_is_seen(watched: BotHarness) -> None:
    person = watched.writer()
    watched.says("Долго. " * 50, chunk_s=0.2)
    person.press("▶️ Дальше")
    running = metrics_with(watched, "turns_running", 1)
    assert running["inbox_updates{state=turn}"] == 1
    assert running["inbox_oldest_seconds"] < 60
    person.send("/cancel")
    metrics_with(watched, "turns_total{kind=part,outcome=stopped}", 1)


def test_failures_are_counted(watched: BotHarness) -> None:
    person = watched.writer()
    watched.models.faults.order(Behaviour(status=500))
    watched.telegram.faults.refuse("sendMessage", 429, retry_after=0)
    person.press("▶️ Дальше")
    counted = metrics_with(watched, "turns_total{kind=part,outcome=failed}", 1)
    faults = {name: value for name, value in counted.items() if name.startswith("model_faults_total") and value}
    assert faults == {"model_faults_total{healed=no,purpose=part,status=500}": 1}
    metrics_with(watched, "sending_errors_total{method=sendMessage,reason=429}", 1)
    assert counted["turn_seconds_count{kind=part}"] == 1


def test_nothing_is_counted_without_a_port_nor_is_the_client_loaded(harness: BotHarness) -> None:
    assert harness.app is not None and harness.app.watch.port is None
    assert make_metrics(Config.from_env(harness.environment())) is SILENT
    program = "import bot, sys; print({'prometheus_client', 'waitress'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout == "set()\n"


def test_nothing_else_is_served(watched: BotHarness) -> None:
    assert page(watched, "/").status_code == 404
    assert watched.app is not None
    address = f"http://127.0.0.1:{watched.app.watch.port}/metrics"
    assert requests.post(address, timeout=5).status_code == 501
    assert requests.head(address, timeout=5).text == ""


def test_a_client_that_takes_gzip_gets_the_metrics_compressed(watched: BotHarness) -> None:
    answer = page(watched, "/metrics")  # requests asks for gzip by itself
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_a_silent_connection_is_closed() -> None:
    server = MonitoringServer("127.0.0.1", 0, Health({}), make_wsgi_app(CollectorRegistry()), silent_s=1)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as silent:
        assert silent.recv(1) == b""
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=10)


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bcoauthor_[a-z_]+", text))


def test_dashboard_and_alerts_use_what_there_is(watched: BotHarness) -> None:
    watched.writer()
    watched.models.faults.order(Behaviour(status=500))
    watched.telegram.faults.refuse("sendMessage", 429, retry_after=0)
    watched.telegram.user(1).press("▶️ Дальше")
    until(lambda: "sending_errors_total{method=sendMessage,reason=429}" in metrics(watched))
    text = page(watched, "/metrics").text
    served = names_in("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    dashboard = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    used = names_in("\n".join(asked))
    assert used <= served
    shown = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in served if not name.endswith("_created")}
    assert {re.sub(r"_bucket$", "", name) for name in used} == shown, "each metric has its place on the dashboard"
    assert names_in((ROOT / "deploy" / "alerts.yml").read_text("utf-8")) <= served
    guide = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    assert [name for name in sorted(shown) if f"`{name}" not in guide] == []


# ---------------------------------------------------------------------- systemd


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """Return the socket that a unit's process is to speak to."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(10)
        yield listening


def test_systemd_is_told_of_the_start_of_each_third_of_its_patience_and_of_the_end(
    make_harness: Callable[..., BotHarness], systemd: socket.socket
) -> None:
    harness = make_harness(NOTIFY_SOCKET=systemd.getsockname(), WATCHDOG_USEC=300_000)
    process = harness.process()
    assert systemd.recv(100) == b"READY=1"
    assert systemd.recv(100) == b"WATCHDOG=1"
    process.send_signal(signal.SIGTERM)
    while (said := systemd.recv(100)) == b"WATCHDOG=1":
        pass
    assert said == b"STOPPING=1"
    assert process.wait(10) == 0


def test_a_dead_telegram_doesnt_keep_the_unit_from_its_start(
    make_harness: Callable[..., BotHarness], systemd: socket.socket
) -> None:
    harness = make_harness(NOTIFY_SOCKET=systemd.getsockname())
    harness.telegram.faults.drop("getUpdates", times=1000)
    harness.process()
    assert systemd.recv(100) == b"READY=1"


def test_a_bot_that_hangs_falls_silent(make_harness: Callable[..., BotHarness], systemd: socket.socket) -> None:
    harness = make_harness()
    harness.app = App(Config.from_env(harness.environment()), supervisor=Supervisor(systemd.getsockname(), 0.003))
    harness.app.start()
    assert systemd.recv(100) == b"READY=1"
    assert systemd.recv(100) == b"WATCHDOG=1"
    harness.telegram.faults.refuse("getUpdates", 401, "Unauthorized")
    harness.telegram.user(1).send("/start")
    until(harness.app.source.health_problem)
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):  # what it had said until then
        while True:
            systemd.recv(100)
    for _ in range(5):
        harness.app.watch.beat()
    with pytest.raises(BlockingIOError):
        systemd.recv(100)
