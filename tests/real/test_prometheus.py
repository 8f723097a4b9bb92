"""The metrics of a bot that has worked, and the files of `deploy/`, in Prometheus' own promtool."""

from __future__ import annotations

import subprocess

import pytest

from sandbox.model_faults import Behaviour
from tests.harness import ROOT, BotHarness, until
from tests.real.software import SOFTWARE
from tests.test_monitoring import page, watched

__all__ = ["watched"]

pytestmark = pytest.mark.real("promtool")


def promtool(*arguments: str, given: bytes = b"") -> str:
    """Return what promtool says; it has to find no fault."""
    done = subprocess.run(
        [SOFTWARE["promtool"].path, *arguments], cwd=ROOT / "deploy", input=given, capture_output=True, timeout=60
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


def test_the_metrics_are_in_the_format_and_named_as_prometheus_wishes(watched: BotHarness) -> None:
    person = watched.writer()
    watched.models.faults.order(Behaviour(status=500))
    person.press("▶️ Дальше")
    person.wait("Не получилось")
    until(watched.settled)
    assert promtool("check", "metrics", given=page(watched, "/metrics").content) == ""


def test_the_configuration_and_the_alert_rules_are_valid() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")


def test_each_alert_fires_when_it_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")
