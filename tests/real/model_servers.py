"""Fixtures: llama.cpp's server with a small model, LiteLLM's proxy before it, and a bot that asks one of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.real.processes import free_port, running
from tests.real.software import ENVIRONMENT, PYTHON

Make = Callable[..., BotHarness]
KEY = "sk-real-key-of-the-test"
CONTEXT = 2048
SLOTS = 2
SLOW_S = 240  # a turn on a loaded machine

llama_only = pytest.mark.real("llama.cpp", "gemma")
through_litellm = pytest.mark.real("litellm", "llama.cpp", "gemma")


def get(url: str, **options: Any) -> requests.Response | None:
    """Return the server's answer; None while nobody answers."""
    session = requests.Session()
    session.trust_env = False
    try:
        return session.get(url, headers={"Authorization": f"Bearer {KEY}"}, timeout=10, **options)
    except requests.RequestException:
        return None


def answers(url: str) -> bool:
    found = get(url)
    return found is not None and found.ok


def busy_slots(llama: str) -> int:
    """Return how many answers llama.cpp is writing."""
    found = get(f"{llama}/slots")
    assert found is not None and found.ok
    return sum(slot["is_processing"] for slot in found.json())


@contextmanager
def llama_server(folder: Path, port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run llama.cpp's server; yield its address and its process."""
    script = Path(__file__).parent / "llama_server.py"
    command = [PYTHON, script, port, ENVIRONMENT / "gemma.gguf", CONTEXT, SLOTS, KEY]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "log", lambda: answers(f"{url}/health"), 180) as process:
        yield url, process


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run llama.cpp's server; return its address."""
    with llama_server(tmp_path_factory.mktemp("llama"), free_port()) as (url, _):
        yield url


LITELLM_CONFIG = """
model_list:
  - model_name: gemma
    litellm_params: {{model: openai/gemma-3-270m, api_base: {llama}/v1, api_key: {key}}}
  - model_name: fixed
    litellm_params: {{model: openai/none, api_key: none, mock_response: "Маяк погас. Смотритель спал."}}
  - model_name: limited
    litellm_params: {{model: openai/none, api_key: none, mock_response: "litellm.RateLimitError"}}
general_settings: {{master_key: {key}}}
litellm_settings: {{telemetry: false, num_retries: 0}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"""


@pytest.fixture(scope="module")
def litellm(llama: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run LiteLLM's proxy before llama.cpp; return its address."""
    port, folder = free_port(), tmp_path_factory.mktemp("litellm")
    config = folder / "config.yaml"
    config.write_text(LITELLM_CONFIG.format(llama=llama, key=KEY), "utf-8")
    command = [ENVIRONMENT / "bin" / "litellm", "--config", config, "--host", "127.0.0.1", "--port", port]
    url = f"http://127.0.0.1:{port}"
    local = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}
    with running(command, folder / "log", lambda: answers(f"{url}/v1/models"), 240, local):
        yield url


@pytest.fixture(params=[pytest.param("llama.cpp", marks=llama_only), pytest.param("LiteLLM", marks=through_litellm)])
def server(request: pytest.FixtureRequest, make_harness: Make) -> BotHarness:
    """Return a harness whose bot asks llama.cpp, or LiteLLM before llama.cpp."""
    if request.param == "LiteLLM":
        return made(make_harness, request.getfixturevalue("litellm"), "gemma")
    return made(make_harness, request.getfixturevalue("llama"), "")


def made(make_harness: Make, url: str, model: str, **settings: object) -> BotHarness:
    given = {"MODEL_PROVIDER": "openai", "YANDEX_FOLDER_ID": "", "MAX_TOKENS_PER_ANSWER": 120, "MODEL_SLOTS": 2}
    return make_harness(
        **given | {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": KEY, "OPENAI_MODEL": model} | settings
    )


def begin(harness: BotHarness) -> ChatUser:
    """Return somebody who has asked for the first part of a story."""
    harness.start()
    person = harness.at_summary()
    person.press("✨ Начать историю")
    return person


def ended(harness: BotHarness) -> None:
    """Wait for the end of the turn and of its messages; fail unless every sum of tokens agrees."""
    until(lambda: harness.settled() and harness.is_idle(), SLOW_S)
    harness.check_books()
