"""Stories on llama.cpp's server with a small model, alone and behind LiteLLM's proxy.

The model has 270 million parameters and no chat template of its own: it writes nonsense, repeats itself and leaks the
marks of the server's template. What is checked is what must hold for any words.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.chatting import chatting
from tests.harness import BotHarness, until
from tests.real.model_servers import (
    CONTEXT,
    SLOTS,
    SLOW_S,
    Make,
    begin,
    busy_slots,
    ended,
    litellm,
    llama,
    llama_only,
    llama_server,
    made,
    server,
    through_litellm,
)
from tests.real.processes import free_port
from tests.test_server_check import checked

__all__ = ["litellm", "llama", "server"]

MARK = re.compile(r"<\|?/?(im_|end_of_turn|start_of_turn|think)")
pytestmark = pytest.mark.timeout(900)


def test_a_story_is_streamed_kept_and_paid_by_the_servers_own_figures(server: BotHarness) -> None:
    person = begin(server)
    person.wait_draft(timeout=SLOW_S)
    ended(server)
    person.send("Он вышел на берег и увидел корабль.")
    until(lambda: server.db.count("call", purpose="part") == 2, SLOW_S)
    ended(server)
    for call in server.db.rows("call", purpose="part"):
        assert (call["state"], call["estimated"]) == ("settled", 0)
        assert call["input"] > 100 and 0 < call["output"] <= 120
    texts = server.db.values("prompt", "text", role="assistant")
    assert len(texts) == 2 and all(text.strip() for text in texts)
    assert not [text for text in texts if MARK.search(text)]
    assert not [message.text for message in person.bot_messages if MARK.search(message.text)]


def test_the_chat_answers(server: BotHarness) -> None:
    server.start()
    person = chatting(server)
    person.send("Почему море солёное?")
    until(lambda: server.db.count("turn", kind="chat", state="answered"), SLOW_S)
    ended(server)
    assert server.db.last("prompt", "text", role="assistant").strip()


def test_a_stop_keeps_the_text_and_ends_the_answer_at_the_server(server: BotHarness, llama: str) -> None:
    server.settings["MAX_TOKENS_PER_ANSWER"] = "1500"
    person = begin(server)
    person.wait_draft(lambda text: len(text) > 40, timeout=SLOW_S)
    assert busy_slots(llama) == 1
    person.send("стоп")
    person.wait("Остановил, написанное осталось")
    ended(server)
    assert server.db.last("prompt", "text", role="assistant").strip()
    until(lambda: busy_slots(llama) == 0, 10)


def test_a_check_finds_out_what_the_server_can(server: BotHarness) -> None:
    sound, lines = checked(server)
    assert sound, lines
    model, _, limits = lines
    assert "answered" in model and "no " not in model
    if not server.settings["OPENAI_MODEL"]:  # llama.cpp itself
        assert f"a context of {CONTEXT} tokens, as the server tells" in limits
        assert f"{SLOTS} at once" in limits


@pytest.mark.parametrize(
    "name", [pytest.param("litellm", marks=through_litellm), pytest.param("llama", marks=llama_only)]
)
def test_a_wrong_key_is_told_to_the_admins_and_costs_nothing(
    name: str, make_harness: Make, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    url = request.getfixturevalue(name)
    harness = made(make_harness, url, "gemma", OPENAI_API_KEY="sk-wrong-key-of-somebody")
    person = begin(harness)
    person.wait("попробуйте позже")
    ended(harness)
    assert harness.db.balance() == 30_000
    assert "ModelDenied" in caplog.text and "sk-wrong" not in caplog.text


@through_litellm
def test_a_context_that_is_smaller_than_configured_is_learned_from_a_refusal(make_harness: Make, litellm: str) -> None:
    harness = made(make_harness, litellm, "gemma", MAX_TOKENS_PER_REQUEST=7000)
    person = begin(harness)
    ended(harness)
    before = harness.db.balance()
    person.send("Маяк 1234567890. " * 150)  # this model has a token for each digit
    person.wait("Сообщение слишком длинное", timeout=60)
    ended(harness)
    assert harness.db.balance() == before
    assert harness.app is not None and harness.app.registry.default.context_tokens == CONTEXT
    person.send("Он вышел на берег.")
    until(lambda: harness.db.count("turn", state="answered") == 2, SLOW_S)
    ended(harness)


@through_litellm
def test_an_answer_of_litellm_itself_is_shown_as_it_is(make_harness: Make, litellm: str) -> None:
    harness = made(make_harness, litellm, "fixed")
    begin(harness).wait("Маяк погас. Смотритель спал.", timeout=60)
    ended(harness)
    [call] = harness.db.rows("call", purpose="part")
    assert (call["state"], call["estimated"]) == ("settled", 0) and call["output"] > 0


@through_litellm
def test_a_limit_of_litellm_is_a_busy_model_and_costs_nothing(make_harness: Make, litellm: str) -> None:
    harness = made(make_harness, litellm, "limited")
    begin(harness).wait("Модель перегружена", timeout=60)
    ended(harness)
    assert harness.db.balance() == 30_000


@llama_only
def test_a_server_killed_in_an_answer_is_asked_again_when_it_is_back(make_harness: Make, tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "server"
    folder.mkdir()
    with llama_server(folder, port) as (url, process):
        harness = made(make_harness, url, "", MAX_TOKENS_PER_ANSWER=500)
        person = begin(harness)
        person.wait_draft(lambda text: len(text) > 40, timeout=SLOW_S)
        process.kill()
        process.wait(10)
        person.wait("осталось в истории", timeout=60)
        ended(harness)
    kept = harness.db.last("prompt", "text", role="assistant")
    assert kept.strip() and kept in [message.text for message in person.bot_messages]
    with llama_server(folder, port):
        person.tap("🔁 Повторить")
        until(lambda: harness.db.count("turn", state="answered"), SLOW_S)
        ended(harness)
