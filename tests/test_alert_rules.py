"""The alerts of `deploy/`, by Prometheus' own promtool, and the series that they look at."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from prometheus_client import generate_latest

from monitoring.prometheus import KINDS, PURPOSES, STATUSES, PrometheusMetrics
from tests.harness import ROOT, BotHarness
from tests.test_kinds import KINDS as EVERY_KIND
from tests.test_monitoring import metrics, watched

__all__ = ["watched"]


def test_what_an_alert_looks_at_is_there_before_its_first_event(watched: BotHarness) -> None:
    counted = metrics(watched)
    for purpose in PURPOSES:
        for status in (*STATUSES, "other"):
            assert counted[f"model_faults_total{{healed=no,purpose={purpose},status={status}}}"] == 0
    for kind in KINDS:
        assert counted[f"turns_total{{kind={kind},outcome=failed}}"] == 0
    assert set(KINDS) == set(EVERY_KIND)


def test_a_rare_status_is_counted_with_its_like() -> None:
    counted = PrometheusMetrics()
    counted.model_failed("part", 529, healed=False)
    counted.model_failed("part", 530, healed=False)
    text = generate_latest(counted.registry).decode()
    assert 'coauthor_model_faults_total{healed="no",purpose="part",status="other"} 2.0' in text
    assert 'status="529"' not in text


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool isn't installed: apt-get install prometheus")
def test_each_alert_fires_on_what_it_is_for() -> None:
    deploy = ROOT / "deploy"
    commands = (
        ["promtool", "check", "config", "prometheus.yml"],
        ["promtool", "test", "rules", "alerts.test.yml"],
    )
    for command in commands:
        done = subprocess.run(command, cwd=deploy, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    alerts = set(re.findall(r"alert: (\w+)", (deploy / "alerts.yml").read_text("utf-8")))
    tested = set(re.findall(r"alertname: (\w+)", (deploy / "alerts.test.yml").read_text("utf-8")))
    assert tested == alerts
