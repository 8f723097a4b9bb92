"""`--check` on five kinds of model servers; `docs/servers.md` shows its lines as they are here."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from app.builders import build_models, load_catalogue
from app.http_clients import build_http_clients
from app.self_check import check
from config import Config
from core.network import Network
from sandbox.model_faults import Behaviour
from sandbox.model_profiles import PROFILES, Profile
from telegram.api_client import BotApi
from tests.harness import BotHarness

Make = Callable[..., BotHarness]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "servers.md"
OF_MODELS = ("model", "models", "limits")


def checked(harness: BotHarness, **settings: str) -> tuple[bool, list[str]]:
    """Return whether all is well, and the lines about models."""
    config = Config.from_env(harness.environment() | settings)
    http = build_http_clients(config, Network())
    models = build_models(config=config, http=http.models, catalogue=load_catalogue(config), timeout_s=10)
    api = BotApi(config.telegram_token, config.telegram_api_url, http.telegram)
    lines: list[str] = []
    sound = check(config, http, api, models.gpt, models.registry, lines.append)
    return sound, [line for line in lines if line.split(":")[0].split()[-1] in OF_MODELS]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.title)
def test_the_page_shows_what_a_check_says(profile: Profile, make_harness: Make) -> None:
    harness = make_harness()
    sound, lines = checked(harness, **profile.apply(harness.models))
    assert sound
    shown = re.search(rf"^## {re.escape(profile.title)}$.*?^```text\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    assert shown is not None and shown.group(1).splitlines() == lines


def test_a_check_tries_what_a_turn_does(make_harness: Make) -> None:
    harness = make_harness()
    assert checked(harness, **PROFILES[2].apply(harness.models))[0]
    stream, structured = harness.models.of("completion")
    assert [message["role"] for message in stream.body["messages"]] == ["system", "user"]
    assert stream.body["stream"] and stream.body["stream_options"] == {"include_usage": True}
    assert structured.body["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize("where", ["reasoning_content", "reasoning"])
def test_only_thoughts_are_no_fault_of_a_check(where: str, make_harness: Make) -> None:
    harness = make_harness()
    settings = PROFILES[2].apply(harness.models)
    harness.models.faults.default = Behaviour(thoughts="Так, так.", thoughts_in=where, only_thoughts=True)  # type: ignore[arg-type]
    sound, lines = checked(harness, **settings)
    assert sound and "only thoughts came" in lines[0]


def test_a_server_without_a_list_names_the_setting(make_harness: Make) -> None:
    harness = make_harness()
    settings = PROFILES[2].apply(harness.models)
    harness.models.listed = None
    sound, lines = checked(harness, **settings)
    assert not sound and "set OPENAI_MODEL" in lines[0]
    assert checked(harness, **settings, OPENAI_MODEL="any")[0]
