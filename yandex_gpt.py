"""YandexGPT: its native API as a `ModelProvider`, IAM tokens, token counts, and the prompt's messages.

The API is the official `yandex.cloud.ai.foundation_models.v1` as JSON over HTTP. A stream has one JSON object a line,
each with the **whole** text so far, which may rewrite what came before. Numbers are strings, and errors may come under
HTTP 200. Models with an OpenAI-compatible API only (see `native`) are called by `ai/openai_text.py`.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ai import token_estimate, yandex_answer
from ai.error_mapping import read_error, read_object
from ai.iam_token import AuthorizedKey, Token, exchange_for_token, machine_token
from ai.learned import LearnedModels, LearningProvider
from ai.model_habits import NO_EFFORT, NO_SCHEMA
from ai.provider import Call, CallFailure, Credential, StaticCredential
from ai.retry import ignore_failure
from core.errors import ModelAway, ModelError
from core.http_client import HttpClient
from core.logs import event
from core.schemas import Chunk, Json, Message, Request

log = logging.getLogger(__name__)

RENEW_S: Final = 3600.0
MARGIN_S: Final = 60.0  # a token so close to its end is not used: the request may arrive after it
FETCH_S: Final = 10.0
PAUSE_S: Final = 30.0  # after a failed renewal, while the old token still works

_REFUSED: Final = (("schema", NO_SCHEMA), ("reasoning", NO_EFFORT))  # by a word of the refusal
_OPENAI_ONLY: Final = ("aliceai-llm-flash", "deepseek-", "qwen")


def model_uri(folder_id: str, model: str) -> str:
    """Return `gpt://<folder>/<model>`; a URI (of a tuned model, of another folder) stays as it is."""
    return model if "://" in model else f"gpt://{folder_id}/{model}"


def model_in(folder_id: str, uri: str) -> str:
    """Return the name of a model of the folder by its URI; the URI of another folder's stays as it is."""
    return uri.removeprefix(f"gpt://{folder_id}/").removesuffix("/latest")


def native(model: str) -> bool:
    """Return False for a model with an OpenAI-compatible API only, judged by its name. The catalog overrides this."""
    name = model.split("://", 1)[-1].split("/", 1)[-1] if "://" in model else model
    return not name.startswith(_OPENAI_ONLY)


class YandexProvider(LearningProvider):
    """YandexGPT of one folder."""

    first_ratios = worst_ratios = token_estimate.YANDEX
    may_loop = streams_whole_answers = False

    def __init__(
        self,
        folder_id: str,
        credential: Credential,
        *,
        model: str,
        url: str,
        learned: LearnedModels | None = None,
    ) -> None:
        super().__init__(learned)
        self._folder_id = folder_id
        self._credential = credential
        self._model = model
        self._url = f"{url.rstrip('/')}/foundationModels/v1"

    def model_name(self, model: str) -> str:
        """Return `model`, or the configured one for an empty name. No network."""
        return model or self._model

    def completion(self, request: Request, *, stream: bool, timeout_s: float) -> Call:
        """Return the call for `request`, its temperature limited to 0 to 1. Raise ModelError."""
        habits = self.habits(request.model)
        body = self._body(request.messages, request.model)
        body["completionOptions"] = {
            "stream": stream,
            "temperature": min(max(request.temperature, 0.0), 1.0),
            "maxTokens": str(request.max_tokens),  # an int64: a string in JSON
            # Thoughts cost as much as an answer, and a story needs none.
            **({} if NO_EFFORT in habits else {"reasoningOptions": {"mode": "DISABLED"}}),
        }
        if request.json_schema is not None and NO_SCHEMA not in habits:
            body["jsonSchema"] = {"schema": dict(request.json_schema)}
        return Call(f"{self._url}/completion", self._headers(timeout_s), body)

    def counting(self, messages: Sequence[Message], model: str, timeout_s: float) -> Call | None:
        """Return the call that counts the messages' tokens. Raise ModelError."""
        return Call(f"{self._url}/tokenizeCompletion", self._headers(timeout_s), self._body(messages, model))

    def chunks(self, lines: Iterator[bytes]) -> Iterator[Chunk]:
        """Yield a chunk for each line of JSON that isn't blank. Raise ModelError."""
        for line in lines:
            if line.strip():
                yield yandex_answer.chunk(line)

    def answer(self, body: bytes) -> Chunk:
        """Read a whole answer. Raise ModelAway if it has no final status."""
        chunk = yandex_answer.chunk(body)
        if chunk.finish is None:
            raise ModelAway("an answer without an end")
        return chunk

    def counted(self, body: bytes) -> int:
        """Count the tokens that the tokenizer lists. Raise ModelAway if it lists none."""
        tokens = read_object(body).get("tokens")
        if not isinstance(tokens, list):
            raise ModelAway("the tokenizer answered without tokens")
        return len(tokens)

    def error(self, status: int, headers: Mapping[str, str], body: str) -> ModelError:
        """Return the error for a status other than 200; `body` is masked already."""
        return read_error(status, headers, body)

    def drop_credential(self, authorization: str) -> bool:
        """Drop the refused header; return True if another try may help."""
        return self._credential.drop(authorization)

    def adapt(self, error: ModelError, request: Request) -> bool:
        """Leave out the schema, or the word about thinking, from now on if the error names it; return True then."""
        words = f"{error} {error.body}".lower()
        habit = next((habit for word, habit in _REFUSED if word in words), "")
        return error.status in (400, 422, 501) and bool(habit) and self.learn(request.model, habit)

    def _key(self, model: str) -> str:
        return model_uri(self._folder_id, model or self._model)

    def _headers(self, timeout_s: float) -> dict[str, str]:
        return {
            "Authorization": self._credential.header(timeout_s),
            "x-data-logging-enabled": "false",  # users' stories aren't for the vendor's training
            "x-client-request-id": str(uuid.uuid4()),
        }

    def _body(self, messages: Sequence[Message], model: str) -> dict[str, Json]:
        return {
            "modelUri": model_uri(self._folder_id, model or self._model),
            "messages": [{"role": message.role, "text": message.text} for message in messages],
        }


def build_prompt(*, system: str, opening: str, path: Sequence[Message], go_on: str, closing: str = "") -> list[Message]:
    """Build the messages of one request: `system`, then user and assistant in turn, the user's last.

    `opening` («Начни историю.») is the first user message. `go_on` («Продолжи.») separates two messages of the model,
    and `closing` asks for the answer; none of them is stored or shown. Neighbouring messages of the user are joined.
    Empty texts are left out; `opening` may be empty if the path begins with the user's words, `go_on` may not.
    """
    turns: list[Message] = []

    def add(message: Message) -> None:
        if not message.text.strip():
            return
        if turns and turns[-1].role == message.role:
            if message.role == "assistant":
                turns.append(Message("user", go_on))
            else:
                before = turns.pop()
                text = f"{before.text}\n\n{message.text}"
                message = Message("user", text, (*before.pictures, *message.pictures))
        turns.append(message)

    for message in (Message("user", opening), *path, Message("user", closing)):
        add(message)
    if turns[-1].role == "assistant":
        turns.append(Message("user", go_on))
    return [Message("system", system), *turns] if system.strip() else turns


class RenewedToken:
    """A credential that renews its IAM token. `fetch_token` gets a timeout and raises ModelError."""

    def __init__(
        self,
        fetch_token: Callable[[float], Token],
        *,
        on_failure: Callable[[CallFailure], None] = ignore_failure,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch_token
        self._on_failure = on_failure
        self._clock = clock
        self._renewing = threading.Lock()
        self._token: Token | None = None
        self._renew_at = 0.0
        self._failures = 0
        self._failure: ModelError | None = None

    def header(self, timeout_s: float) -> str:
        """Return `Bearer …`, renewed before it expires; the old token is used if that fails. Raise ModelError."""
        token, now = self._token, self._clock()
        if token is None or now >= token.expires_at - MARGIN_S:
            token = self._first(timeout_s)
        elif now >= self._renew_at and self._renewing.acquire(blocking=False):
            try:
                token = self._renew(min(timeout_s, FETCH_S))
            except ModelError as error:
                self._renew_at = self._clock() + PAUSE_S
                self._report(error)
            finally:
                self._renewing.release()
        return f"Bearer {token.value}"

    def drop(self, header: str) -> bool:
        """Drop the refused token if it is still the current one; return False only for an empty header."""
        if not header:
            return False  # IAM itself refused
        token = self._token
        if token is not None and header == f"Bearer {token.value}":
            self._token = None
        return True  # another thread may have renewed it

    def _first(self, timeout_s: float) -> Token:
        failures = self._failures
        if not self._renewing.acquire(timeout=timeout_s):
            raise ModelAway("no IAM token in time")
        try:
            token = self._token
            if token is not None and self._clock() < token.expires_at - MARGIN_S:
                return token  # fetched while this thread waited
            if self._failure is not None and self._failures > failures:
                raise copy.copy(self._failure)  # refused while this thread waited: don't ask again for each thread
            return self._renew(min(timeout_s, FETCH_S))
        finally:
            self._renewing.release()

    def _renew(self, timeout_s: float) -> Token:
        try:
            token = self._fetch(timeout_s)
        except ModelError as error:
            self._failure = error
            self._failures += 1
            raise
        now = self._clock()
        self._renew_at = now + min(RENEW_S, (token.expires_at - now) * 0.8)
        self._token = token
        return token

    def _report(self, error: ModelError) -> None:
        event(log, logging.WARNING, "iam_token_renewal_failed", status=error.status, error=str(error))
        self._on_failure(CallFailure(time.time(), "iam", 0, 0, 1, True, "", error))


@dataclass(frozen=True, slots=True)
class YandexKeys:
    """The keys of Yandex Cloud that are set, the first one to be taken first; none: the virtual machine's own."""

    api_key: str = field(default="", repr=False)
    iam_token: str = field(default="", repr=False)
    sa_key_file: str | Path = ""
    oauth_token: str = field(default="", repr=False)

    @property
    def may_need_folder(self) -> bool:
        """True if requests may be a user's, who has no folder of their own, as a service account has."""
        return not self.api_key and bool(self.iam_token or (self.oauth_token and not self.sa_key_file))


def yandex_credential(
    http: HttpClient,
    keys: YandexKeys,
    *,
    iam_url: str,
    metadata_url: str,
    on_failure: Callable[[CallFailure], None] = ignore_failure,
) -> Credential:
    """Return the credential of the first key that is set. No network. Raise ModelDenied for a bad key file."""
    if keys.api_key:
        return StaticCredential(f"Api-Key {keys.api_key}")
    if keys.iam_token:
        return StaticCredential(f"Bearer {keys.iam_token}")
    address = f"{iam_url.rstrip('/')}/iam/v1/tokens"
    if keys.sa_key_file:
        key = AuthorizedKey.read(Path(keys.sa_key_file))
        return RenewedToken(
            lambda timeout_s: exchange_for_token(http, address, {"jwt": key.jwt(time.time())}, timeout_s),
            on_failure=on_failure,
        )
    if keys.oauth_token:
        event(
            log,
            logging.WARNING,
            "oauth_deprecated",
            hint="OAuth tokens for Yandex Cloud end in 2026: use an API key or a service account's key instead",
        )
        body: dict[str, Json] = {"yandexPassportOauthToken": keys.oauth_token}
        return RenewedToken(lambda timeout_s: exchange_for_token(http, address, body, timeout_s), on_failure=on_failure)
    return RenewedToken(lambda timeout_s: machine_token(http, metadata_url, timeout_s), on_failure=on_failure)
