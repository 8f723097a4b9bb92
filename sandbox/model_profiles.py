"""Kinds of model servers that the stand-in can be: what each lists and refuses, and the bot's settings for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.model_faults import Behaviour
from sandbox.models import ModelServers

_READY: Final = Behaviour(text="Готов.")
_YANDEX: Final = {"MODEL_PROVIDER": "yandex"}
_OPENAI: Final = {"MODEL_PROVIDER": "openai", "YANDEX_FOLDER_ID": ""}


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of server."""

    title: str
    settings: Mapping[str, str]
    listed: tuple[Mapping[str, Any], ...] = ()
    refuses: tuple[str, ...] = ()
    properties: Mapping[str, Any] | None = None
    behaviour: Behaviour = field(default=_READY)

    def apply(self, models: ModelServers) -> dict[str, str]:
        """Make the stand-in such a server; return the settings with which the bot asks it."""
        models.listed = [dict(model) for model in self.listed]
        models.refuses = self.refuses
        models.properties = dict(self.properties) if self.properties is not None else None
        models.faults.default = self.behaviour
        address = {"OPENAI_BASE_URL": models.openai_url} if self.settings["MODEL_PROVIDER"] == "openai" else {}
        return {**self.settings, **address}


PROFILES: Final = (
    Profile("YandexGPT", _YANDEX),
    Profile("A model of Yandex's OpenAI-compatible API", {**_YANDEX, "YANDEX_MODEL": "aliceai-llm-flash"}),
    Profile("Ollama", _OPENAI, ({"id": "gemma3:12b"}, {"id": "llama3.2:3b"})),
    Profile(
        "vLLM with Gemma 2",
        _OPENAI,
        ({"id": "google/gemma-2-9b-it", "max_model_len": 4096},),
        refuses=("system", "thinking_switch"),
    ),
    Profile(
        "llama.cpp with a reasoning model",
        _OPENAI,
        ({"id": "Qwen3-8B-Q4_K_M.gguf", "meta": {"n_ctx": 4096, "n_ctx_train": 40960}},),
        refuses=("grammar",),
        properties={"total_slots": 1},
        behaviour=Behaviour(
            text="Готов.",
            thoughts="Пользователь спрашивает, готов ли я. Отвечу одним словом.",
            thoughts_in="reasoning_content",
            heeds_switch=True,
            only_thoughts=True,
        ),
    ),
)
