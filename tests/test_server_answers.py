"""Answers of OpenAI-compatible servers in every shape that servers give them: `GPT` over HTTP against the stand-in."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from ai.answer_text import growing, visible
from ai.openai_answer import answer, chunks
from core.cancellation import Cancel
from core.errors import ModelAway, ModelCancelled, OnlyThoughts, PromptTooLong
from core.schemas import Chunk, Finish, Usage
from sandbox.model_faults import Behaviour
from sandbox.models import ModelServers
from tests.model_fixtures import REQUEST, Client, eventually, failures, last, models, openai_client

__all__ = ["failures", "models", "openai_client"]

TEXT = "Маяк погас в полночь. Смотритель не спал."
THOUGHT = "Нужна сцена у маяка. Пусть будет ночь."
TOO_LONG = "Context size has been exceeded."


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    "quirk",
    [
        {"parts": True},
        {"other_form": True},
        {"noise": True},
        {"no_end": True},
        {"noise": True, "parts": True, "no_end": True},
        {"other_form": True, "parts": True},
    ],
)
def test_an_answer_is_read_in_whatever_shape_it_comes(
    quirk: dict[str, Any], streamed: bool, models: ModelServers, openai_client: Client
) -> None:
    models.faults.order(Behaviour(text=TEXT, **quirk))
    gpt = openai_client(model="any")
    found = last(gpt.stream(REQUEST)) if streamed else gpt.ask(REQUEST)
    assert (found.text, found.finish) == (TEXT, Finish.STOP)


@pytest.mark.parametrize("reason", ["end", "STOP", "eos_token", "end_turn", "stop_sequence", "complete", "xyz"])
@pytest.mark.parametrize("other_form", [True, False])
def test_an_unknown_reason_ends_a_whole_text(
    reason: str, other_form: bool, models: ModelServers, openai_client: Client
) -> None:
    models.faults.order(Behaviour(text=TEXT, reason=reason, other_form=other_form))
    final = last(openai_client(model="any").stream(REQUEST))
    assert (final.text, final.finish) == (TEXT, Finish.STOP)
    assert final.usage and not final.usage.estimated


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("model_length", Finish.LENGTH),
        ("MAX_TOKENS", Finish.LENGTH),
        ("max_output_tokens", Finish.LENGTH),
        ("SAFETY", Finish.REFUSED),
        ("refusal", Finish.REFUSED),
    ],
)
def test_other_names_of_a_cut_and_of_a_filter_are_known(
    reason: str, finish: Finish, models: ModelServers, openai_client: Client
) -> None:
    models.faults.order(Behaviour(text=TEXT, reason=reason))
    assert last(openai_client(model="any").stream(REQUEST)).finish is finish


@pytest.mark.parametrize("where", ["text", "lone", "reasoning_content", "reasoning"])
@pytest.mark.parametrize("size", [3, 30])
def test_thoughts_are_no_part_of_an_answer(where: Any, size: int, models: ModelServers, openai_client: Client) -> None:
    models.faults.default = Behaviour(text=TEXT, thoughts=THOUGHT, thoughts_in=where, chunks=size)
    gpt = openai_client(model="any")
    first = list(gpt.stream(REQUEST))
    assert first[-1].text == TEXT
    again = list(gpt.stream(REQUEST))
    assert again[-1].text == TEXT
    # Thoughts that no mark opens are told from a text only when they are closed: the first answer teaches that.
    shown = [chunk.text for chunk in (again if where == "lone" else [*first, *again])]
    assert all(TEXT.startswith(text) for text in shown)
    assert gpt.ask(REQUEST).text == TEXT


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("[THINK]Так.[/THINK]Маяк погас.", "Маяк погас."),
        ("◁think▷Так.◁/think▷Маяк погас.", "Маяк погас."),
        ("<thinking>Так.</thinking>\nМаяк погас.", "Маяк погас."),
        ("<seed:think>Так.</seed:think>Маяк погас.", "Маяк погас."),
        ("<reasoning>Так.</reasoning>Маяк погас.", "Маяк погас."),
        ("<think>Раз.</think><think>Два.</think>Маяк погас.", "Маяк погас."),
        ("Маяк погас.<think>Хватит?", "Маяк погас."),
        (
            "<|channel|>analysis<|message|>Так.<|end|><|start|>assistant<|channel|>final<|message|>Маяк погас.",
            "Маяк погас.",
        ),
        ("<|START_THINKING|>Так.<|END_THINKING|><|START_RESPONSE|>Маяк погас.<|END_RESPONSE|>", "Маяк погас."),
        ("<unused94>thought Так.<unused95>Маяк погас.", "Маяк погас."),
        ("Маяк погас.<|im_end|>\n<|im_start|>user\nА дальше?", "Маяк погас."),
        ("<|im_start|>assistant\nМаяк погас.<|im_end|>", "Маяк погас."),
        ("<start_of_turn>model\nМаяк погас.<end_of_turn>", "Маяк погас."),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nМаяк погас.<|eot_id|>", "Маяк погас."),
        ("Маяк погас.</s>", "Маяк погас."),
        ("assistant\n\nМаяк погас.", "Маяк погас."),
        ("Assistant: Маяк погас.", "Маяк погас."),
        ("<answer>Маяк погас.</answer>", "Маяк погас."),
        ("Маяк погас.<｜end▁of▁sentence｜>", "Маяк погас."),
        ("Маяк<|fim_pad|> погас.", "Маяк погас."),
    ],
)
def test_every_notation_is_left_out_also_while_it_grows(raw: str, text: str) -> None:
    assert visible(raw).text == text
    assert visible(text).text == text
    for end in range(len(raw)):
        assert text.startswith(growing(raw[:end]).text.rstrip()), raw[:end]


@pytest.mark.parametrize(
    "text",
    [
        "Тег `<think>` закрывают тегом `</think>`.",
        "Если a < b и b > c, то [ссылка] не нужна.",
        "<p>Абзац <s>зачёркнут</s>, <b>жирный</b>.</p>",
        "Он сказал «</think>» и замолчал.",
        "model: gpt\nname: x",
        "Ассистент режиссёра вышел.",
    ],
)
def test_words_about_marks_are_words(text: str) -> None:
    assert visible(text).text == text


def test_a_model_that_only_thinks_is_asked_once_more_without_thoughts(
    models: ModelServers, openai_client: Client
) -> None:
    thinks = Behaviour(thoughts=THOUGHT, thoughts_in="reasoning_content", only_thoughts=True)
    models.faults.order(thinks, Behaviour(text=TEXT))
    assert last(openai_client(model="any").stream(REQUEST)).text == TEXT
    switches = [received.body.get("chat_template_kwargs") for received in models.of("completion")]
    assert switches == [None, {"enable_thinking": False}]


def test_a_model_that_goes_on_thinking_is_told_from_one_that_says_nothing(
    models: ModelServers, openai_client: Client
) -> None:
    models.faults.default = Behaviour(thoughts=THOUGHT, thoughts_in="reasoning", only_thoughts=True)
    gpt = openai_client(model="any")
    for ask in (lambda: last(gpt.stream(REQUEST)), lambda: gpt.ask(REQUEST)):
        with pytest.raises(OnlyThoughts) as caught:
            ask()
        assert caught.value.billed
    assert len(models.of("completion")) == 3


def test_a_thinking_model_is_asked_not_to_from_its_second_answer_on(
    models: ModelServers, openai_client: Client
) -> None:
    models.faults.default = Behaviour(text=TEXT, thoughts=THOUGHT, heeds_switch=True)
    gpt = openai_client(model="any")
    outputs = [last(gpt.stream(REQUEST)).usage for _ in range(2)]
    assert "chat_template_kwargs" not in models.of("completion")[0].body
    assert models.of("completion")[1].body["chat_template_kwargs"] == {"enable_thinking": False}
    assert all(outputs)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_loop_is_ended_and_what_came_before_it_kept(
    streamed: bool, models: ModelServers, openai_client: Client
) -> None:
    loop = "Он шёл по берегу и смотрел на волны. " * 200
    models.faults.order(Behaviour(text=f"Маяк погас в полночь. {loop}", chunks=400, chunk_s=0.002, usage=False))
    gpt, request = openai_client(model="any"), replace(REQUEST, max_tokens=4000)
    found = last(gpt.stream(request)) if streamed else gpt.ask(request)
    assert found.text == "Маяк погас в полночь. Он шёл по берегу и смотрел на волны."
    assert found.finish is Finish.LENGTH
    assert found.usage and found.usage.output < 400  # not 200 sentences
    assert gpt.ask(REQUEST).text
    assert models.of("completion")[1].body["frequency_penalty"] == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Маяк.\n\n" + "Большой абзац о маяке, о море и о тумане, который всё не кончается и не кончается. " * 4,
        "Начало. " + "повторяй. " * 40,
        "Начало.\n\n" + ("Первый абзац о море и ветре. Он длинный и подробный.\n\nВторой абзац о маяке.\n\n" * 6),
    ],
)
def test_words_sentences_and_paragraphs_may_loop(text: str, models: ModelServers, openai_client: Client) -> None:
    models.faults.order(Behaviour(text=text, chunks=200))
    final = last(openai_client(model="any").stream(REQUEST))
    assert final.finish is Finish.LENGTH
    assert len(final.text) < len(text) / 2
    assert text.startswith(final.text) and final.text.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "— Ха-ха-ха! Ха-ха-ха! Ха-ха-ха! — смеялся смотритель.",
        "Тик-так, тик-так, тик-так, тик-так, — стучали часы.\n\nКуплет.\n\nПрипев у моря.\n\nКуплет.\n\nПрипев у моря.",
        "".join(f"Глава {n}. Смотритель идёт к морю.\n" for n in range(1, 20)),
        "| имя | число |\n|-----|-------|\n" + "".join(f"| а{n} | {n * 7} |\n" for n in range(12)),
    ],
)
def test_a_laugh_a_refrain_and_a_table_are_no_loop(text: str, models: ModelServers, openai_client: Client) -> None:
    models.faults.order(Behaviour(text=text, chunks=60))
    final = last(openai_client(model="any").stream(REQUEST))
    assert (final.text, final.finish) == (text, Finish.STOP)


def test_a_stopped_whole_answer_ends_at_the_server(models: ModelServers, openai_client: Client) -> None:
    models.faults.default = Behaviour(text="слово и ещё одно, " * 10 + "конец", chunks=60, chunk_s=0.5)
    cancel = Cancel()
    threading.Timer(0.3, cancel.set).start()
    with pytest.raises(ModelCancelled):
        openai_client(model="any").ask(REQUEST, cancel)
    assert eventually(lambda: models.in_flight == 0)  # the whole answer would take half a minute


def test_a_full_context_in_the_middle_of_a_stream_says_so(models: ModelServers, openai_client: Client) -> None:
    models.faults.order(Behaviour(text=TEXT, error_after=4, code=500, shape="C", message=TOO_LONG))
    seen = []
    with pytest.raises(PromptTooLong):
        for chunk in openai_client(model="any").stream(REQUEST):
            seen.append(chunk.text)
    assert seen and len(models.of("completion")) == 1


# ---------------------------------------------------------------------- by the reader alone


def read(*events: Any, done: bool = True) -> list[Chunk]:
    lines = [b"data: " + json.dumps(event).encode() if not isinstance(event, bytes) else event for event in events]
    return list(chunks(iter([*lines, b"data: [DONE]"] if done else lines)))


def delta(content: Any, reason: Any = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": content, **fields}, "finish_reason": reason}]}


@pytest.mark.parametrize("reason", ["end", "STOP", "eos_token", "end_turn", {"type": "stop"}])
def test_the_figures_after_an_unknown_reason_count(reason: Any) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 30}}
    assert read(delta("аб"), delta("", reason), usage)[-1] == Chunk("аб", Usage(50, 30), Finish.STOP)


def test_figures_in_every_chunk_are_replaced_by_the_last() -> None:
    def used(written: int, reason: str | None = None) -> dict[str, Any]:
        return delta("а", reason) | {"usage": {"prompt_tokens": 5, "completion_tokens": written}}

    last_usage = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 9}}
    assert read(used(1), delta("а", "stop"), last_usage)[-1].usage == Usage(5, 9)
    assert read(used(1), used(2, "stop"))[-1].usage == Usage(5, 2)


@pytest.mark.parametrize(
    ("content", "text", "thoughts"),
    [
        ([{"type": "text", "text": "а"}, {"type": "text", "text": "б"}], "аб", ""),
        ({"type": "text", "text": "аб"}, "аб", ""),
        (["а", {"type": "output_text", "text": "б"}, None, 1], "аб", ""),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "х"}]}, {"type": "text", "text": "аб"}],
            "аб",
            "х",
        ),
        ([{"type": "reasoning", "text": "х"}, {"type": "text", "text": {"value": "аб"}}], "аб", "х"),
    ],
)
def test_parts_of_a_content_are_joined(content: Any, text: str, thoughts: str) -> None:
    assert read(delta(content, "stop"))[-1] == Chunk(text, None, Finish.STOP, thoughts)
    whole = answer(json.dumps({"choices": [{"message": {"content": content}}]}).encode())
    assert whole == Chunk(text, None, Finish.STOP, thoughts)


def test_odd_bodies_are_read() -> None:
    whole = {"choices": [{"message": {"content": "аб"}, "finish_reason": "stop"}]}
    assert read(json.dumps(whole).encode(), done=False)[-1].text == "аб"
    pretty = json.dumps(whole, indent=2).encode().split(b"\n")
    assert read(*pretty, done=False)[-1].text == "аб"
    assert read(b"", *pretty, b"", done=False)[-1].text == "аб"
    a_line = [json.dumps(delta(piece, reason)).encode() for piece, reason in (("а", None), ("б", "stop"))]
    assert read(*a_line, done=False)[-1].text == "аб"
    assert read(delta("а"), whole, done=False)[-1].text == "аб"  # increments, then the whole message
    assert read({"choices": [{"text": "аб", "finish_reason": "stop"}]})[-1].text == "аб"
    assert read(*(b"data: " + line for line in pretty), b"", done=False)[-1].text == "аб"
    assert (
        read(b"data:", b"data: ", b": ping", b"event: x", b"id: 1", b"retry: 1", delta("аб", "stop"))[-1].text == "аб"
    )
    assert answer(b"\n: ping\n\ndata: " + json.dumps(delta("аб", "stop")).encode() + b"\r\n\r\n").text == "аб"
    refusal = answer(json.dumps({"choices": [{"message": {"content": None, "refusal": "Нет."}}]}).encode())
    assert (refusal.text, refusal.finish) == ("Нет.", Finish.REFUSED)


def test_an_error_after_the_reason_to_end_takes_nothing_back() -> None:
    broken = b'data: {"error":{"message":"boom","code":500}}'
    assert read(delta("аб", "stop"), broken)[-1] == Chunk("аб", None, Finish.STOP)
    with pytest.raises(ModelAway):
        read(delta("аб"), broken)
