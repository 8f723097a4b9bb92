"""What the bot has learned about models is stored while there is a database to store it in."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ai.catalog import Model, ModelInfo
from ai.learned import LearnedModels
from ai.registry import ModelRegistry, Server
from app.model_state import ModelStateStore
from tests.model_fixtures import Client, client, failures, models
from tests.ready_made import new_database

__all__ = ["client", "failures", "models"]


def test_a_list_that_comes_after_the_stop_is_left_and_nothing_is_warned_of(
    tmp_path: Path, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    db, stopped = new_database(tmp_path / "bot.db"), threading.Event()

    def ask() -> list[ModelInfo]:
        stopped.set()
        db.close()
        return [ModelInfo("late")]

    server = Server("http://x", ask, lambda listed: Model(listed.name, vendor="openai"))
    registry = ModelRegistry(Model("early", vendor="openai"), [server])
    store, others = ModelStateStore(db, client(), registry, LearnedModels()), threading.enumerate()
    store.start(stopped)
    for thread in threading.enumerate():
        if thread not in others:
            thread.join(10)
    assert registry.heard
    assert "model_list" not in caplog.text
