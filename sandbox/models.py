"""The models on this machine, over HTTP.

YandexGPT with its tokenizer, IAM and metadata service, SpeechKit, and an OpenAI-compatible server with images and
speech, which is Yandex's own for images too.

They check requests and credentials as the real ones do, count tokens, stream chunk by chunk on keep-alive
connections, misbehave to order (`model_faults.py`), and note every request. `model_server.py` answers them with the
words of `storyteller/`. Doesn't cover asynchronous generation.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sandbox import openai_api
from sandbox.model_faults import Behaviour, Faults, Kind, Received
from sandbox.model_server import ModelHttpServer
from sandbox.storyteller.answers import Storyteller
from sandbox.yandex_api import Refused

FOLDER_ID: Final = "b1gsandbox"
API_KEY: Final = "sandbox-key"
LIVELY: Final = Behaviour(first_chunk_s=0.7, chunk_s=0.12, chunks=24)  # a pace that reads well in the demo


class ModelServers:
    """Serves all APIs on one port inside `with`; `default` is the default behaviour of completions.

    A test may change the public attributes at any time.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, default: Behaviour | None = None, first_variant: int = 0
    ) -> None:
        self.storyteller = Storyteller(first_variant)
        self.faults = Faults(default=default or Behaviour())
        self.requests: list[Received] = []
        self.folder_id = FOLDER_ID
        self.api_keys = {API_KEY}
        self.openai_keys: set[str] = set()  # empty: none is needed
        self.listed: list[dict[str, Any]] | None = [{"id": name} for name in openai_api.MODELS]  # None: no /v1/models
        self.folder_models = openai_api.YANDEX_MODELS  # what the folder offers the OpenAI way
        self.seeing = openai_api.SEEING  # names of the models that take pictures
        self.speech_v3 = True  # False: SpeechKit refuses its API v3
        self.refuses: tuple[str, ...] = ()  # of every chat, see `openai_quirks.REFUSALS`
        self.context_tokens = openai_api.CONTEXT_TOKENS
        self.properties: dict[str, Any] | None = None  # what /props tells, as llama.cpp does
        self.oauth_tokens: set[str] | None = None  # None: any that looks like one
        self.public_key = ""  # PEM of the service account; empty: signatures aren't checked
        self.token_lifetime_s = 43_200.0
        self.quota = 1000  # concurrent generations; YandexGPT's own is 10
        self.in_flight = 0
        self.peak = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._tokens: dict[str, float] = {}
        self._server = ModelHttpServer((host, port), self)
        self._thread = threading.Thread(target=self._server.accept_all, name="models", daemon=True)
        self.url = f"http://{host}:{self._server.server_port}"
        self.llm_url = self.iam_url = self.metadata_url = self.url
        self.stt_url = self.tts_url = self.url
        self.openai_url = f"{self.url}/v1"

    def __enter__(self) -> ModelServers:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.closing.set()
        self._server.end_accepting()
        self._thread.join()
        self._server.server_close()

    def of(self, kind: Kind) -> list[Received]:
        """Return the requests of one kind, in order."""
        with self._lock:
            return [received for received in self.requests if received.kind == kind]

    def note(self, received: Received) -> None:
        """Keep a request for tests. Thread-safe."""
        with self._lock:
            self.requests.append(received)

    def issue_token(self) -> str:
        """Return a new IAM token that this server accepts."""
        token = f"t1.{secrets.token_urlsafe(24)}"
        with self._lock:
            self._tokens[token] = time.time() + self.token_lifetime_s
        return token

    def revoke_tokens(self) -> None:
        """Stop accepting the IAM tokens issued so far."""
        with self._lock:
            self._tokens.clear()

    def accepts(self, authorization: str) -> None:
        """Raise `Refused` for credentials that YandexGPT refuses."""
        way, _, secret = authorization.partition(" ")
        if way == "Api-Key":
            if secret not in self.api_keys:
                raise Refused(16, f"Unknown api key '{secret}'")
        elif way != "Bearer" or self._tokens.get(secret, 0.0) <= time.time():
            raise Refused(16, "The token is invalid" if authorization else "Unauthorized")

    @contextmanager
    def generation(self) -> Iterator[bool]:
        """Count a generation; yield False if the quota is exceeded."""
        with self._lock:
            allowed = self.in_flight < self.quota
            self.in_flight += allowed
            self.peak = max(self.peak, self.in_flight)
        try:
            yield allowed
        finally:
            with self._lock:
                self.in_flight -= allowed
