"""The demo's «Model»: servers are found, a choice is checked as `--check` does it, and kept for its owner only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.demo import bot_environment, choose_model
from sandbox.demo_controls import DemoControls
from sandbox.model_choice import FILE, LOCAL_SERVERS, Choice, find_local_servers, load
from sandbox.models import ModelServers

NOBODY = ("1:" + "0" * 35, "http://127.0.0.1:9")


def controls(folder: Path, models: ModelServers, servers: tuple[tuple[str, int], ...] = ()) -> DemoControls:
    def environment(choice: Choice) -> Mapping[str, str]:
        model = choose_model({}, models, choice)
        return bot_environment({}, {**os.environ, "LOG_FILE": str(folder / "log.txt")}, NOBODY, model, folder)

    return DemoControls(folder, environment, servers)


def test_a_server_on_this_machine_is_found_with_its_models() -> None:
    with ModelServers() as models:
        models.listed = [{"id": "llama3.2"}, {"id": "qwen3"}]
        port = int(models.openai_url.rpartition(":")[2].partition("/")[0])
        found = find_local_servers((("Ollama", port), ("LM Studio", 9)))
    assert [(server.name, server.address) for server in found] == [("Ollama", f"http://127.0.0.1:{port}/v1")]
    assert found[0].models == ("llama3.2", "qwen3")


def test_the_usual_ports_are_those_that_the_servers_document() -> None:
    assert dict(LOCAL_SERVERS) == {"Ollama": 11434, "LM Studio": 1234, "llama.cpp": 8080, "vLLM": 8000}


def test_a_server_found_on_its_port_is_offered_chosen_and_writes(tmp_path: Path) -> None:
    with ModelServers() as models:
        models.listed = [{"id": "gemma3:12b"}]
        port = int(models.openai_url.rpartition(":")[2].partition("/")[0])
        demo = controls(tmp_path, models, (("Ollama", port),))
        offered = demo.menu()["servers"]
        assert offered == [{"name": "Ollama", "address": f"http://127.0.0.1:{port}/v1", "models": ["gemma3:12b"]}]
        wanted = {"kind": "openai", "address": offered[0]["address"], "model": offered[0]["models"][0]}
        assert demo.choose(wanted).reason == ""
        assert choose_model({}, models, demo.choice).name == f"gemma3:12b (127.0.0.1:{port})"
        assert models.of("completion")


def test_a_model_that_answers_is_kept_and_asked_for(tmp_path: Path) -> None:
    with ModelServers() as models:
        demo = controls(tmp_path, models)
        wanted = {
            "kind": "openai",
            "address": models.openai_url,
            "model": "sandbox-storyteller",
            "key": "sk-kept-secret-1",
        }
        assert demo.choose(wanted).reason == ""
        assert demo.take_wish(0) == "model"
        assert demo.take_wish(0) == ""
        assert demo.choose({**wanted, "key": ""}).reason == ""
    file = tmp_path / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert load(tmp_path) == Choice("openai", models.openai_url, "sandbox-storyteller", key="sk-kept-secret-1")
    shown = json.dumps(demo.menu()) + repr(demo.choice)
    assert "secret" not in shown and '"hasKey": true' in shown
    assert "secret" not in (tmp_path / "log.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"kind": "openai", "address": "http://127.0.0.1:9/v1", "model": "any"}, "away"),
        ({"kind": "openai", "address": "localhost"}, "incomplete"),
        ({"kind": "openai"}, "incomplete"),
        ({"kind": "yandex", "folder": "b1g"}, "incomplete"),
        ({"kind": "tarot"}, "incomplete"),
        ({}, "incomplete"),
    ],
)
def test_a_model_that_does_not_answer_is_not_kept(wanted: dict[str, str], reason: str, tmp_path: Path) -> None:
    with ModelServers() as models:
        demo = controls(tmp_path, models)
        assert demo.choose(wanted).reason == reason
    assert demo.choice is None
    assert demo.take_wish(0) == ""
    assert not (tmp_path / FILE).exists()


def test_a_refused_key_is_told_from_a_server_that_is_away(tmp_path: Path) -> None:
    with ModelServers() as models:
        models.openai_keys = {"right"}
        demo = controls(tmp_path, models)
        wanted = {"kind": "openai", "address": models.openai_url, "model": "sandbox-storyteller", "key": "wrong"}
        assert demo.choose(wanted).reason == "key"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"kind": 7}', '{"kind": "openai"}', "null"])
def test_an_unreadable_choice_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(content, "utf-8")
    assert load(tmp_path) is None
