"""The models on this machine, over HTTP.

YandexGPT with its tokenizer, IAM and metadata service, SpeechKit, and an OpenAI-compatible server with images and
speech, which is Yandex's own for images too.

They check requests and credentials as the real ones do, count tokens, stream chunk by chunk on keep-alive
connections, misbehave to order (`model_faults.py`), and note every request. Answers come from
`storyteller/`. Doesn't cover asynchronous generation.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any, Final

from sandbox import art_api, iam_api, openai_api, openai_quirks, painter, speech_api, yandex_api
from sandbox.accept_loop import AcceptLoop
from sandbox.model_answers import compose, openai_lines, openai_whole, yandex_lines, yandex_state
from sandbox.model_faults import Behaviour, Faults, Kind, Received
from sandbox.model_wire import WireHandler
from sandbox.storyteller.answers import Storyteller
from sandbox.yandex_api import Asked, Refused

FOLDER_ID: Final = "b1gsandbox"
API_KEY: Final = "sandbox-key"
BEARER: Final = "Bearer"
LIVELY: Final = Behaviour(first_chunk_s=0.7, chunk_s=0.12, chunks=24)  # a pace that reads well in the demo
SPEECH_V3: Final = "/tts/v3/utteranceSynthesis"
_KINDS: Final[dict[str, Kind]] = {
    "/foundationModels/v1/completion": "completion",
    "/foundationModels/v1/tokenize": "tokenizer",
    "/foundationModels/v1/tokenizeCompletion": "tokenizer",
    "/iam/v1/tokens": "iam",
    "/computeMetadata/v1/instance/service-accounts/default/token": "metadata",
    "/v1/chat/completions": "completion",
    "/v1/models": "models",
    "/props": "properties",
    "/v1/images/generations": "image",
    "/pictures": "picture",
    "/speech/v1/stt:recognize": "stt",
    "/speech/v1/tts:synthesize": "tts",
    SPEECH_V3: "tts",
    "/v1/audio/transcriptions": "stt",
    "/v1/audio/speech": "tts",
}
_METHODS: Final = {"metadata": "GET", "models": "GET", "picture": "GET", "properties": "GET"}


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
        self._server = _Server((host, port), self)
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


class _Server(AcceptLoop, ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], models: ModelServers) -> None:
        self.models = models
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection."""


class _Handler(WireHandler):
    server: _Server

    @property
    def closing(self) -> threading.Event:
        """Set when the server stops."""
        return self.server.models.closing

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        models = self.server.models
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        kind = _KINDS.get(path)
        openai = path.startswith("/v1/")
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            media = kind in ("stt", "tts", "picture") and path != SPEECH_V3
            body: Any = speech_api.read(self.path, headers, raw) if media else json.loads(raw) if raw else None
        except ValueError:
            body = None
        received = Received(kind or "unknown", path, headers, body, time.monotonic(), query)
        models.note(received)
        behaviour = models.faults.take(received)
        if kind is None or method != _METHODS.get(kind, "POST"):
            self._send(404, yandex_api.error_body(5, f"no route for {method} {path}", "B"))
            return
        if behaviour.hang or behaviour.drop:
            self._break(after_s=60.0 if behaviour.hang else 0.0)
            return
        try:
            self._check_ordered(behaviour)
            if raw and body is None:
                raise Refused(3, "invalid character '}' looking for beginning of value", "C" if openai else "B")
            self._route(received, behaviour, openai)
        except Refused as refused:
            status = behaviour.status if behaviour.status != 200 else yandex_api.STATUS_OF_CODE.get(refused.code, 500)
            shape = refused.shape
            if shape == "A" and kind in ("image", "stt", "tts") and path != SPEECH_V3:
                shape = "C" if openai else "D"
            self._send(
                status,
                yandex_api.error_body(refused.code, refused.message, shape, status),
                retry_after=behaviour.retry_after,
            )

    def _check_ordered(self, behaviour: Behaviour) -> None:
        if behaviour.status != 200:
            code = behaviour.code if behaviour.code is not None else yandex_api.CODE_OF_STATUS.get(behaviour.status, 13)
            raise Refused(code, behaviour.message or f"ordered {behaviour.status}", behaviour.shape)

    def _route(self, received: Received, behaviour: Behaviour, openai: bool) -> None:
        models = self.server.models
        if received.kind != "completion" and behaviour.text is not None:
            self._send(200, behaviour.text.encode())
        elif received.kind == "iam":
            iam_api.check(received.body, models.public_key, models.oauth_tokens)
            self._send_json(iam_api.answer(models.issue_token, models.token_lifetime_s))
        elif received.kind == "metadata":
            if received.headers.get("metadata-flavor") != "Google":
                raise Refused(7, "Missing Metadata-Flavor:Google header.", "text")
            lifetime_s = int(models.token_lifetime_s)
            self._send_json({"access_token": models.issue_token(), "expires_in": lifetime_s, "token_type": BEARER})
        elif received.kind == "properties":
            if models.properties is None:
                raise Refused(5, "Not Found", "C")
            self._send_json(models.properties)
        elif received.kind == "picture":
            self._send(200, painter.draw(received.body.get("of", "")), content_type="image/png")
        elif openai:
            self._accept_openai(received)
            if received.kind in ("image", "stt", "tts"):
                self._make(received, behaviour, openai)
                return
            if received.kind == "models":
                self._list_models("openai-project" in received.headers)
                return
            if isinstance(received.body, dict):
                openai_quirks.check(received.body, (*models.refuses, *behaviour.refuses))
            asked = openai_api.check_chat(
                received.body,
                behaviour.unknown_parameters,
                models.folder_id,
                models.context_tokens,
                models.folder_models,
                models.seeing,
            )
            self._generate(asked, behaviour, str(received.body["model"]), received)
        else:
            models.accepts(received.headers.get("authorization", ""))
            if received.kind in ("stt", "tts"):
                self._make(received, behaviour, openai)
                return
            if received.path.endswith("/tokenize"):
                text = received.body.get("text", "") if isinstance(received.body, dict) else ""
                self._send_json(yandex_api.tokenized(str(text)))
                return
            asked = yandex_api.check_completion(received.body, models.folder_id)
            if received.kind == "tokenizer":
                self._send_json(yandex_api.tokenized("\n".join(message.text for message in asked.messages)))
                return
            self._generate(asked, behaviour, "", received)

    def _list_models(self, yandex: bool) -> None:
        models = self.server.models
        known = openai_api.yandex_models(models.folder_id, models.folder_models) if yandex else models.listed
        if known is None:
            raise Refused(5, "Not Found", "C")
        listed = [{"object": "model", "owned_by": "sandbox", **model} for model in known]
        self._send_json({"object": "list", "data": listed})

    def _accept_openai(self, received: Received) -> None:
        """Raise `Refused` for a wrong key: Yandex's for a model of Yandex, else OpenAI's."""
        models = self.server.models
        way, _, key = received.headers.get("authorization", "").partition(" ")
        key = key if way == "Bearer" else ""  # OpenAI's API has no other way, at Yandex too
        body = received.body if isinstance(received.body, dict) else {}
        if str(body.get("model", "")).startswith(("art://", "gpt://")) or "openai-project" in received.headers:
            try:
                models.accepts(f"Api-Key {key}" if key in models.api_keys else f"Bearer {key}")
            except Refused as refused:
                raise Refused(refused.code, refused.message, "C") from None
            if received.headers.get("openai-project", models.folder_id) != models.folder_id:
                raise Refused(7, "Permission denied", "C")
        elif models.openai_keys and key not in models.openai_keys:
            raise Refused(16, f"Incorrect API key provided: {key}", "C")

    def _make(self, received: Received, behaviour: Behaviour, openai: bool) -> None:
        """Answer with a picture, a transcript or speech."""
        self._pause(behaviour.first_chunk_s)
        body = received.body
        if received.kind == "image":
            prompt, width, height = art_api.check_image(body, self.server.models.folder_id)
            if behaviour.end == "filter":
                raise Refused(3, art_api.REFUSAL, "C")
            address = (
                f"{self.server.models.url}/pictures?of={zlib.crc32(prompt.encode())}" if behaviour.by_address else ""
            )
            self._send_json(art_api.answer(prompt, width, height, address))
        elif received.kind == "stt":
            hear = speech_api.transcribed if openai else speech_api.recognised
            self._send_json(hear(body, behaviour.heard))
        elif received.path == SPEECH_V3:
            if not self.server.models.speech_v3:
                raise Refused(7, "Permission denied")
            self._send(200, speech_api.utterances(body, behaviour.streams))
        else:
            speak = speech_api.spoken if openai else speech_api.synthesised
            self._send(200, speak(body), content_type="audio/ogg")

    def _generate(self, asked: Asked, behaviour: Behaviour, openai_model: str, received: Received) -> None:
        with self.server.models.generation() as allowed:
            if not allowed:
                told = "ai.textGenerationCompletionSessionsCount.count gauge quota limit exceed: allowed"
                raise Refused(8, f"{told} {self.server.models.quota} requests", "C" if openai_model else "A")
            text, end = compose(asked, behaviour, self.server.models.storyteller)
            thought = openai_quirks.thoughts(received.body, behaviour) if openai_model else ""
            if asked.stream != behaviour.other_form:
                lines = (
                    openai_lines(asked, behaviour, text, end, openai_model, thought)
                    if openai_model
                    else yandex_lines(asked, behaviour, text, end)
                )
                self._stream(lines, behaviour, bool(openai_model))
                return
            self._pause(behaviour.first_chunk_s + behaviour.chunk_s * behaviour.chunks)
            if behaviour.error_after is not None:
                code, shape = behaviour.code or 13, behaviour.shape
                self._send(200, yandex_api.error_body(code, behaviour.message or "ordered", shape))
            elif behaviour.garbage_after is not None:
                self._send(200, b"\x00\xff<nonsense")
            elif behaviour.cut_after is not None:
                self._send(200, b'{"result":', length=1000)
                self._break()
            elif openai_model:
                self._send_json(openai_whole(asked, behaviour, text, end, openai_model, thought))
            else:
                self._send_json(yandex_state(asked, behaviour, text, end))

    def _stream(self, lines: Iterator[bytes], behaviour: Behaviour, sse: bool) -> None:
        self._pause(behaviour.first_chunk_s)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if sse else "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self._identify()
        self.end_headers()
        for number, line in enumerate(lines):
            if number == behaviour.error_after:
                error = yandex_api.error_body(behaviour.code or 13, behaviour.message or "ordered", behaviour.shape)
                self._chunk(b"data: " + error + b"\n\n" if sse else error + b"\n")
                break
            if number == behaviour.garbage_after:
                self._chunk(b"data: \x00\xff<nonsense\n\n" if sse else b"\x00\xff<nonsense\n")
                break
            if number in (behaviour.cut_after, behaviour.hang_after):
                self._break(after_s=60.0 if number == behaviour.hang_after else 0.0)
                return
            if number:
                self._pause(behaviour.chunk_s)
            self._chunk(line)
        self.wfile.write(b"0\r\n\r\n")
