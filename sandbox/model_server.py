"""Requests of the models' stand-in: which API a path belongs to, what it needs, and what answers it."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from sandbox import art_api, iam_api, openai_api, openai_quirks, painter, speech_api, yandex_api
from sandbox.accept_loop import AcceptLoop
from sandbox.model_answers import compose, openai_lines, openai_whole, yandex_lines, yandex_state
from sandbox.model_faults import Behaviour, Kind, Received
from sandbox.model_wire import WireHandler
from sandbox.yandex_api import Asked, Refused

if TYPE_CHECKING:
    from sandbox.models import ModelServers

BEARER: Final = "Bearer"
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
_MEDIA: Final = ("image", "stt", "tts")
_METHODS: Final = {"metadata": "GET", "models": "GET", "picture": "GET", "properties": "GET"}


class ModelHttpServer(AcceptLoop, ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], models: ModelServers) -> None:
        self.models = models
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection."""


class _Handler(WireHandler):
    server: ModelHttpServer

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
            if shape == "A" and kind in _MEDIA and path != SPEECH_V3:
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
        kind = received.kind
        if kind != "completion" and behaviour.text is not None:
            self._send(200, behaviour.text.encode())
            return
        keyless = _KEYLESS.get(kind)
        if keyless is not None:
            keyless(self, received)
            return
        if openai:
            self._accept_openai(received)
        else:
            self.server.models.accepts(received.headers.get("authorization", ""))
        if kind in _MEDIA:
            self._make(received, behaviour, openai)
        elif kind == "models":
            self._list_models("openai-project" in received.headers)
        elif kind == "tokenizer":
            self._count_tokens(received)
        elif openai:
            self._complete_openai(received, behaviour)
        else:
            asked = yandex_api.check_completion(received.body, self.server.models.folder_id)
            self._generate(asked, behaviour, "", received)

    def _issue_token(self, received: Received) -> None:
        models = self.server.models
        iam_api.check(received.body, models.public_key, models.oauth_tokens)
        self._send_json(iam_api.answer(models.issue_token, models.token_lifetime_s))

    def _issue_machine_token(self, received: Received) -> None:
        models = self.server.models
        if received.headers.get("metadata-flavor") != "Google":
            raise Refused(7, "Missing Metadata-Flavor:Google header.", "text")
        lifetime_s = int(models.token_lifetime_s)
        self._send_json({"access_token": models.issue_token(), "expires_in": lifetime_s, "token_type": BEARER})

    def _send_properties(self, received: Received) -> None:
        properties = self.server.models.properties
        if properties is None:
            raise Refused(5, "Not Found", "C")
        self._send_json(properties)

    def _send_picture(self, received: Received) -> None:
        self._send(200, painter.draw(received.body.get("of", "")), content_type="image/png")

    def _count_tokens(self, received: Received) -> None:
        if received.path.endswith("/tokenize"):
            text = str(received.body.get("text", "")) if isinstance(received.body, dict) else ""
        else:
            asked = yandex_api.check_completion(received.body, self.server.models.folder_id)
            text = "\n".join(message.text for message in asked.messages)
        self._send_json(yandex_api.tokenized(text))

    def _complete_openai(self, received: Received, behaviour: Behaviour) -> None:
        models = self.server.models
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


_KEYLESS: Final[Mapping[str, Callable[[_Handler, Received], None]]] = {
    "iam": _Handler._issue_token,
    "metadata": _Handler._issue_machine_token,
    "properties": _Handler._send_properties,
    "picture": _Handler._send_picture,
}
