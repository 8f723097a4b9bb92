"""`GPT`: HTTP calls to any language model, in a stream or whole, with deadline, retries and cancellation.

A model's name selects its `ModelProvider`, which knows the vendor's format (`yandex_gpt.py`, `ai/openai_text.py`).
What may be repeated: `ai/retry.py`; a stream is repeated only while nothing of the answer has come.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from ai.provider import CallFailure, ModelProvider
from ai.request import RequestAttempt
from ai.retry import CallContext, Retry, ignore_failure, report
from core.cancellation import Cancel
from core.errors import ModelAway, ModelError
from core.http_client import HttpClient
from core.schemas import Chunk, Finish, Message, ModelAnswer, Request, Usage

__all__ = ["GPT", "CallFailure", "Cancel", "ModelProvider", "is_stock_refusal"]

log = logging.getLogger(__name__)

COUNT_TIMEOUT_S: Final = 5.0
MOST_CHARS_PER_TOKEN: Final = 64  # more than any tokenizer's longest words
NEAR: Final = 0.15  # how close to a limit an estimate must be for the tokenizer's round trip to pay
CHARS_PER_TOKEN: Final = 3.0  # before the first answer; Russian text on YandexGPT has 3.5 to 4.5
TOKENS_PER_MESSAGE: Final = 3  # a role and its marks

_STOCK_REFUSAL: Final = re.compile(
    r"(?:к сожалению, )?(?:я не могу обсуждать эту тему|в интернете есть много сайтов с информацией на эту тему)[.!… ]*"
    r"(?:давайте (?:лучше )?поговорим о ч[её]м-(?:нибудь|то) (?:ещ[её]|другом)[.!… ]*"
    r"|\[?посмотрите, что нашлось в поиске\]?(?:\([^)]*\))?[.!… ]*)?"
    r"|i['’]?(?:m| am) (?:sorry|afraid),? (?:but )?i (?:can['’]?t|cannot|won['’]?t|am unable to)"
    r" (?:help|assist|continue|write|create|generate|provide|fulfill|comply)[^.!?]{0,120}[.!]?",
    re.IGNORECASE,
)


def is_stock_refusal(text: str) -> bool:
    """Return True if the whole answer is a vendor's stock refusal, which may come without the filter's status."""
    return len(text) < 400 and _STOCK_REFUSAL.fullmatch(" ".join(text.split()).strip('«»"* ')) is not None


class GPT:
    """A language model. Thread-safe; each method blocks its own thread only."""

    def __init__(
        self,
        provider: ModelProvider,
        http: HttpClient,
        *,
        timeout_s: float = 120.0,
        provider_of: Callable[[str], ModelProvider] | None = None,
        on_failure: Callable[[CallFailure], None] = ignore_failure,
        attempts: int = 3,
        backoff_s: float = 0.5,
    ) -> None:
        self.provider = provider  # the default model's
        self.provider_of = provider_of or (lambda model: provider)
        self.timeout_s = timeout_s
        self.calibration: dict[
            str, float
        ] = {}  # model → characters a token, learned from usage; see `app/model_state.py`
        self._http = http
        self._on_failure = on_failure
        self._attempts = attempts
        self._backoff_s = backoff_s

    def stream(self, request: Request, cancel: Cancel | None = None) -> Iterator[Chunk]:
        """Yield the answer as it grows: whole texts, the last one with `finish` and `usage`. Raise ModelError.

        The call is made when the first chunk is requested. Costs money.
        """
        retry = self._retry(request, cancel)
        while True:
            shown = False
            attempt = RequestAttempt(retry.deadline, cancel)
            try:
                for chunk in self._stream_once(request, attempt):
                    if not shown:
                        retry.succeeded()
                    shown = True
                    yield chunk
                return
            except ModelError as error:
                if not retry.may_repeat(error, attempt, shown=shown):
                    raise

    def ask(self, request: Request, cancel: Cancel | None = None) -> ModelAnswer:
        """Return the whole answer. Costs money. Raise ModelError."""
        retry = self._retry(request, cancel)
        while True:
            attempt = RequestAttempt(retry.deadline, cancel)
            try:
                chunk = self._ask_once(request, attempt)
            except ModelError as error:
                if not retry.may_repeat(error, attempt):
                    raise
            else:
                retry.succeeded()
                usage = chunk.usage or self.estimated_usage(request, chunk.text)
                return ModelAnswer(chunk.text, usage, chunk.finish or Finish.STOP, attempt.request_id)

    def estimate(self, messages: Sequence[Message], model: str = "") -> int:
        """Estimate the tokens of `messages`, rather too many than too few. No network."""
        characters = sum(len(message.text) for message in messages)
        tokens = characters / self.calibration.get(self.provider_of(model).model_name(model), CHARS_PER_TOKEN)
        return math.ceil(tokens * 1.05) + TOKENS_PER_MESSAGE * len(messages)

    def count(
        self,
        messages: Sequence[Message],
        near: int | None = None,
        *,
        model: str = "",
        user_id: int = 0,
        turn_id: int = 0,
    ) -> int:
        """Return the estimate, or the vendor's own count if the estimate is close to the limit `near`. Never raise."""
        estimate = self.estimate(messages, model)
        if near is None or abs(estimate - near) > NEAR * near:
            return estimate
        provider = self.provider_of(model)
        for number in (1, 2):
            attempt = RequestAttempt(time.monotonic() + COUNT_TIMEOUT_S)
            try:
                call = provider.counting(messages, model, COUNT_TIMEOUT_S)
                if call is None:
                    return estimate
                response = attempt.send(self._http, call)
                try:
                    if response.status_code != 200:
                        raise attempt.refused(provider.error, response)
                    counted = provider.counted(attempt.whole(response))
                finally:
                    attempt.close(response)
                self._learn(messages, counted, model)
                return counted
            except ModelError as error:
                name = provider.model_name(model)
                failure = CallFailure(time.time(), "tokenizer", user_id, turn_id, number, True, name, error)
                report(failure, self._on_failure)
                if error.status != 401 or not provider.drop_credential(attempt.authorization):
                    break
        return estimate

    def estimated_usage(self, request: Request, text: str) -> Usage:
        """Estimate the usage of a call: for a vendor without figures, or a stopped stream."""
        output = self.estimate([Message("assistant", text)], request.model) if text else 0
        return Usage(self.estimate(request.messages, request.model), output, estimated=True)

    def _retry(self, request: Request, cancel: Cancel | None) -> Retry:
        provider = self.provider_of(request.model)
        name = provider.model_name(request.model)
        return Retry(
            CallContext(request.purpose, name, request.user_id, request.turn_id, cancel),
            timeout_s=self.timeout_s,
            attempts=self._attempts,
            backoff_s=self._backoff_s,
            renew=provider.drop_credential,
            adapt=lambda error: provider.adapt(error, request.model),
            on_failure=self._on_failure,
        )

    def _stream_once(self, request: Request, attempt: RequestAttempt) -> Iterator[Chunk]:
        provider = self.provider_of(request.model)
        call = provider.completion(request, stream=True, timeout_s=attempt.left_s())
        response = attempt.send(self._http, call)
        begun = finished = False
        try:
            if response.status_code != 200:
                raise attempt.refused(provider.error, response)
            try:
                most = request.max_tokens * MOST_CHARS_PER_TOKEN
                for chunk in provider.chunks(attempt.lines(response)):
                    if len(chunk.text) > most:  # the server ignores the limit
                        finished = True
                        yield self._finished(request, replace(chunk, text=chunk.text[:most], finish=Finish.LENGTH))
                        break
                    if chunk.finish is not None:
                        finished = True
                        # Before the last chunk is yielded: its reader asks for no more, and a stream whose end
                        # isn't read costs the next call a new connection.
                        attempt.finish(response)
                        yield self._finished(request, chunk)
                        break
                    if chunk.text:
                        begun = True
                        yield chunk
            except ModelError as error:
                error.billed = error.billed or begun or not error.status
                error.request_id = error.request_id or attempt.request_id
                raise
            if not finished:
                raise ModelAway("the stream was cut", request_id=attempt.request_id, billed=True)
        finally:
            attempt.close(response)

    def _ask_once(self, request: Request, attempt: RequestAttempt) -> Chunk:
        provider = self.provider_of(request.model)
        call = provider.completion(request, stream=False, timeout_s=attempt.left_s())
        response = attempt.send(self._http, call)
        try:
            if response.status_code != 200:
                raise attempt.refused(provider.error, response)
            return self._finished(request, provider.answer(attempt.whole(response)))
        except ModelError as error:
            error.billed = error.billed or not error.status
            error.request_id = error.request_id or attempt.request_id
            raise
        finally:
            attempt.close(response)

    def _finished(self, request: Request, chunk: Chunk) -> Chunk:
        if is_stock_refusal(chunk.text):
            chunk = replace(chunk, finish=Finish.REFUSED)
        if not chunk.text.strip() and chunk.finish is not Finish.REFUSED:
            raise ModelAway("the answer is empty", billed=True)
        if chunk.usage is None or not chunk.usage.total:
            return replace(chunk, usage=self.estimated_usage(request, chunk.text))
        self._learn(request.messages, chunk.usage.input, request.model)
        return chunk

    def _learn(self, messages: Sequence[Message], tokens: int, model: str) -> None:
        characters = sum(len(message.text) for message in messages)
        if characters < 200 or tokens < 1:
            return  # the marks between messages would distort the ratio
        name = self.provider_of(model).model_name(model)
        seen = min(max(characters / tokens, 1.0), 6.0)
        known = self.calibration.get(name, seen)
        self.calibration[name] = known + 0.2 * (seen - known)
