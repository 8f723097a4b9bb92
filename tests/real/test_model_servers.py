"""Stories on llama.cpp's server with a small model, alone and behind LiteLLM's proxy.

The model has 270 million parameters and no chat template of its own: it writes nonsense, repeats itself and leaks the
marks of the server's template. What is checked is what must hold for any words.
"""

from __future__ import annotations

import json
import re

import pytest
import requests

from sandbox.users import ChatUser
from tests.chatting import chatting
from tests.harness import BotHarness, until
from tests.real.model_servers import KEY, SLOW_S, Make, begin, ended, get, litellm, llama, made, server, llama_only, through_litellm

__all__ = ["litellm", "llama", "server"]

MARK = re.compile(r"<\|?/?(im_|end_of_turn|start_of_turn|think)")
pytestmark = pytest.mark.timeout(600)


def dump(h, p):
    print("=====", h.settings)
    for m in p.bot_messages[-6:]: print("  >", repr(m.text[:400]))
    for c in h.db.rows("call"): print("  call", {k: c[k] for k in ("purpose","state","reserved","input","output","estimated")})
    pass


def test_story(server: BotHarness) -> None:
    person = begin(server)
    d = person.wait_draft(timeout=SLOW_S); print("draft", d)
    ended(server)
    person.press("💡 Подскажи"); until(server.is_idle, SLOW_S)
    person.send("Он вышел на берег и увидел корабль."); until(server.is_idle, SLOW_S)
    dump(server, person)
    for r in server.db.rows("prompt"): print(r["role"], repr(r["text"]))


def test_stop(server: BotHarness) -> None:
    server.settings["MAX_TOKENS_PER_ANSWER"] = "1500"
    person = begin(server)
    person.wait_draft(lambda t: len(t) > 60, timeout=SLOW_S)
    person.send("стоп")
    import time; t = time.time()
    until(server.is_idle, 10)
    print("idle after", time.time() - t)
    dump(server, person)


def test_chat(server: BotHarness) -> None:
    server.start()
    person = chatting(server)
    person.send("Почему море солёное?")
    until(lambda: server.db.count("turn") == 1 and server.is_idle(), SLOW_S)
    dump(server, person)


def test_long(server: BotHarness) -> None:
    server.settings |= {"MAX_TOKENS_PER_REQUEST": "7000"}
    person = begin(server); ended(server)
    person.send("Маяк стоит на скале и светит кораблям. " * 200)
    until(server.is_idle, SLOW_S)
    dump(server, person)


def test_denied(server: BotHarness) -> None:
    server.settings["OPENAI_API_KEY"] = "sk-wrong-key-of-somebody"
    person = begin(server)
    until(lambda: server.db.count("turn") and server.is_idle(), SLOW_S)
    dump(server, person)


@pytest.mark.parametrize("model", ["fixed", "limited"])
@through_litellm
def test_mock(model, make_harness, litellm) -> None:
    server = made(make_harness, litellm, model)
    person = begin(server)
    until(lambda: server.db.count("turn") and server.is_idle(), SLOW_S)
    dump(server, person)
