"""What systemd is told, over a real socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from monitoring.systemd import Supervisor


def test_systemd_hears_of_the_start_of_life_and_of_the_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "7"}
        supervisor = Supervisor.from_env(env, pid=7)
        supervisor.ready()
        supervisor.alive()
        supervisor.stopping()
        assert [systemd.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
        assert supervisor.watchdog_s == 180


def test_an_abstract_socket_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("")  # Linux chooses an abstract name
        systemd.settimeout(5)
        name = systemd.getsockname().decode()
        Supervisor("@" + name[1:]).ready()
        assert systemd.recv(100) == b"READY=1"


@pytest.mark.parametrize("env", [{}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "8"}, {"WATCHDOG_USEC": "soon"}])
def test_without_systemd_nothing_is_watched_and_telling_does_no_harm(env: dict[str, str]) -> None:
    supervisor = Supervisor.from_env(env, pid=7)
    supervisor.ready()
    assert supervisor.watchdog_s == 0


def test_a_supervisor_that_went_away_does_no_harm(tmp_path: Path) -> None:
    Supervisor(str(tmp_path / "nobody")).alive()
