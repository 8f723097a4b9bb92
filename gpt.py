"""`GPT`: HTTP calls to any language model, in a stream or whole, with deadline, retries and cancellation.

A model's name selects its `ModelProvider`, which knows the vendor's format (`yandex_gpt.py`, `ai/openai_text.py`).
What may be repeated: `ai/retry.py`; a stream is repeated only while nothing of the answer has come.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Final

from ai import answer_text, model_habits, token_estimate, vision
from ai.provider import CallFailure, ModelProvider
from ai.repetition import LoopWatch, without_loop
from ai.request import RequestAttempt
from ai.retry import DEFAULT_POLICY, CallContext, Retry, RetryPolicy, ignore_failure, report
from ai.token_estimate import Ratios
from core.cancellation import Cancel
from core.errors import ModelAway, ModelError, OnlyThoughts, PromptTooLong
from core.http_client import HttpClient
from core.logs import event
from core.schemas import Chunk, Finish, Message, ModelAnswer, Request, Usage

log = logging.getLogger(__name__)

COUNT_TIMEOUT_S: Final = 5.0
MOST_CHARS_PER_TOKEN: Final = 64  # more than any tokenizer's longest words
NEAR: Final = 0.15  # how close to a limit an estimate must be for the tokenizer's round trip to pay

# Sentences of vendors' filters, word for word: what a service says, not what a language needs.
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
        on_context: Callable[[str, int], None] = lambda model, tokens: None,
        policy: RetryPolicy = DEFAULT_POLICY,
    ) -> None:
        """`on_context` gets the context of a model, in tokens, when its server refuses a longer prompt."""
        self.provider = provider  # the default model's
        self.provider_of = provider_of or (lambda model: provider)
        self.timeout_s = timeout_s
        self.calibration: dict[str, Ratios] = {}  # by model, learned from usage; see `app/model_state.py`
        self._http = http
        self._on_failure = on_failure
        self._on_context = on_context
        self._policy = policy

    def stream(self, request: Request, cancel: Cancel | None = None) -> Generator[Chunk, None, None]:
        """Yield the answer as it grows: whole texts, the last one with `finish` and `usage`. Raise ModelError.

        The call is made when the first chunk is requested. Costs money.
        """
        retry = self._retry(request, cancel)
        while True:
            attempt = RequestAttempt(retry.deadline, cancel)
            shown = False
            try:
                for chunk in self._stream_once(request, attempt):
                    if not shown:
                        retry.succeeded()
                    shown = True
                    yield chunk
                return
            except ModelError as error:
                if not self._may_repeat(retry, error, attempt, request):
                    raise vision.told_by(error, request) from error

    def ask(self, request: Request, cancel: Cancel | None = None) -> ModelAnswer:
        """Return the whole answer. Costs money. Raise ModelError."""
        retry = self._retry(request, cancel)
        while True:
            attempt = RequestAttempt(retry.deadline, cancel)
            try:
                if self.provider_of(request.model).streams_whole_answers:
                    *_, chunk = self._stream_once(request, attempt)
                else:
                    chunk = self._ask_once(request, attempt)
            except ModelError as error:
                if not self._may_repeat(retry, error, attempt, request):
                    raise vision.told_by(error, request) from error
            else:
                retry.succeeded()
                usage = chunk.usage or self.estimated_usage(request, chunk.text)
                return ModelAnswer(chunk.text, usage, chunk.finish or Finish.STOP, attempt.request_id)

    def thinks(self, model: str = "") -> bool:
        """Return True if the model has shown thoughts, which count to the limit of an answer. No network."""
        return model_habits.THINKS in self.provider_of(model).habits(model)

    def refuses_pictures(self, model: str = "") -> bool:
        """Return True if the model's server has refused a picture. No network."""
        return model_habits.NO_PICTURES in self.provider_of(model).habits(model)

    def estimate(self, messages: Sequence[Message], model: str = "") -> int:
        """Estimate the tokens of `messages`, rather too many than too few. No network."""
        return self._estimated(messages, model, self.provider_of(model).first_ratios)

    def at_most(self, messages: Sequence[Message], model: str = "") -> int:
        """Return what `messages` may take at worst of a model that has shown nothing yet, else `estimate`."""
        return self._estimated(messages, model, self.provider_of(model).worst_ratios)

    def _estimated(self, messages: Sequence[Message], model: str, first: Ratios) -> int:
        known = self.calibration.get(self.provider_of(model).model_name(model), {})
        return token_estimate.estimate(messages, known, first)

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
            policy=self._policy,
            renew=provider.drop_credential,
            adapt=lambda error: provider.adapt(error, request),
            on_failure=self._on_failure,
        )

    def _may_repeat(self, retry: Retry, error: ModelError, attempt: RequestAttempt, request: Request) -> bool:
        if isinstance(error, PromptTooLong) and error.context_tokens:
            self._on_context(self.provider_of(request.model).model_name(request.model), error.context_tokens)
        return retry.may_repeat(error, attempt, shown=attempt.begun and not isinstance(error, OnlyThoughts))

    def _stream_once(self, request: Request, attempt: RequestAttempt) -> Iterator[Chunk]:
        provider = self.provider_of(request.model)
        call = provider.completion(request, stream=True, timeout_s=attempt.left_s())
        response = attempt.send(self._http, call)
        try:
            if response.status_code != 200:
                raise attempt.refused(provider.error, response)
            try:
                opens = model_habits.OPENS_WITH_THOUGHTS in provider.habits(request.model)
                for chunk in self._checked(request, provider.chunks(attempt.lines(response))):
                    attempt.begun = attempt.begun or bool(chunk.text or chunk.thoughts)
                    if chunk.finish is not None:
                        # Before the last chunk is yielded: its reader asks for no more, and a stream whose end
                        # isn't read costs the next call a new connection.
                        attempt.finish(response)
                        yield self._finished(request, chunk)
                        return
                    text = answer_text.growing(chunk.text, opens_with_thoughts=opens).text
                    if text:
                        yield chunk if text is chunk.text else replace(chunk, text=text)
            except ModelError as error:
                error.billed = error.billed or attempt.begun or not error.status
                error.request_id = error.request_id or attempt.request_id
                raise
            raise ModelAway("the stream was cut", request_id=attempt.request_id, billed=True)
        finally:
            attempt.close(response)

    def _checked(self, request: Request, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yield the chunks as they come; end an answer that ignores its limit or goes round in circles."""
        most = request.max_tokens * MOST_CHARS_PER_TOKEN
        loops = LoopWatch() if self.provider_of(request.model).may_loop else None
        for chunk in chunks:
            if len(chunk.text) > most or len(chunk.thoughts) > most:
                yield replace(chunk, text=chunk.text[:most], finish=Finish.LENGTH)
                return
            if chunk.finish is None and loops is not None and loops.seen_in(chunk.text, chunk.thoughts):
                yield replace(chunk, finish=Finish.LENGTH)
                return
            yield chunk

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
        """Return the answer without thoughts, marks and loops, and learn from it. Raise ModelAway if it is empty."""
        raw, text = chunk.text, self._text_of(request, chunk)
        finish = chunk.finish
        kept = without_loop(text) if self.provider_of(request.model).may_loop else None
        if kept is not None:
            text, finish = kept, Finish.LENGTH
            self._note_habit(request, model_habits.LOOPS)
        if is_stock_refusal(text):
            finish = Finish.REFUSED
        if not text.strip() and finish is not Finish.REFUSED:
            if finish is Finish.LENGTH and (raw.strip() or chunk.thoughts):
                raise OnlyThoughts("the model thought up to its limit and wrote nothing", billed=True)
            raise ModelAway("the answer is empty", billed=True)
        if chunk.thoughts or answer_text.visible(raw).thoughts:
            self._note_habit(request, model_habits.THINKS)
        usage = chunk.usage
        if usage is None or not usage.total:
            usage = self.estimated_usage(request, raw + chunk.thoughts)
        else:
            self._learn(request.messages, usage.input, request.model)
        return Chunk(text, usage, finish, chunk.thoughts)

    def _text_of(self, request: Request, chunk: Chunk) -> str:
        """Return the words of a finished answer, and learn how the model thinks."""
        found = answer_text.visible(chunk.text)
        habits = self.provider_of(request.model).habits(request.model)
        if found.unmarked:
            self._note_habit(request, model_habits.OPENS_WITH_THOUGHTS)
        elif model_habits.OPENS_WITH_THOUGHTS in habits and not found.thoughts and chunk.finish is Finish.LENGTH:
            return ""  # cut before its thoughts were closed
        return found.text

    def _note_habit(self, request: Request, habit: str) -> None:
        provider = self.provider_of(request.model)
        if provider.learn(request.model, habit):
            event(log, logging.INFO, "model_habit_learned", model=provider.model_name(request.model), habit=habit)

    def _learn(self, messages: Sequence[Message], tokens: int, model: str) -> None:
        provider = self.provider_of(model)
        name = provider.model_name(model)
        known = self.calibration.get(name, {})
        if ratios := token_estimate.learned(messages, tokens, known, provider.first_ratios):
            self.calibration[name] = ratios
