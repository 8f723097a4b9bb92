"""Fixtures and helpers for the tests of models: local servers, and clients that talk to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ai.openai_text import OpenAIProvider
from ai.provider import CallFailure, Credential, StaticCredential
from ai.retry import RetryPolicy
from core.http_client import HttpClient
from core.schemas import Chunk, Message, Request
from gpt import GPT
from sandbox.models import API_KEY, FOLDER_ID, ModelServers
from yandex_gpt import YandexProvider

QUICK = RetryPolicy(backoff_s=0.01)
YANDEX_MODEL = "yandexgpt-lite"

SYSTEM = "Ты писатель.\nЖанр: Фэнтези\nГерой: Картограф Веста\nМесто: Город на великане"
REQUEST = Request((Message("system", SYSTEM), Message("user", "Начни историю.")), max_tokens=800, user_id=7, turn_id=70)


@pytest.fixture
def models() -> Iterator[ModelServers]:
    with ModelServers() as servers:
        yield servers


@pytest.fixture
def failures() -> list[CallFailure]:
    return []


Client = Callable[..., GPT]


@pytest.fixture
def client(models: ModelServers, failures: list[CallFailure]) -> Client:
    """Make a `GPT` on YandexGPT's stand-in."""

    def make(credential: Credential | None = None, **options: Any) -> GPT:
        credential = credential or StaticCredential(f"Api-Key {API_KEY}")
        provider = YandexProvider(FOLDER_ID, credential, model=YANDEX_MODEL, url=models.llm_url)
        settings: dict[str, Any] = {
            "on_failure": failures.append,
            "policy": QUICK,
            "timeout_s": 10.0,
        }
        return GPT(provider, HttpClient(), **settings | options)

    return make


@pytest.fixture
def openai_client(models: ModelServers, failures: list[CallFailure]) -> Client:
    """Make a `GPT` on the OpenAI-compatible stand-in."""

    def make(timeout_s: float = 10.0, **options: Any) -> GPT:
        http = HttpClient()
        provider = OpenAIProvider(models.openai_url, http, **options)
        return GPT(provider, http, on_failure=failures.append, policy=QUICK, timeout_s=timeout_s)

    return make


def last(chunks: Iterator[Chunk]) -> Chunk:
    """Return the final state of a stream."""
    *_, final = chunks
    return final


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Return True as soon as `condition` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def together(number: int, work: Callable[[], Any]) -> list[Any]:
    """Return what `number` threads got, or raised, that did `work` at the same time."""
    barrier = threading.Barrier(number)
    results: list[Any] = []

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
