"""Images, the OpenAI way and Yandex's: what requests must look like, and the answers. Pure.

Real Yandex sends JPEG, this sends PNG.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from sandbox.painter import draw
from sandbox.yandex_api import Refused

YANDEX_MODEL: Final = "aliceai-image-art-3.0"
YANDEX_PROMPT: Final = 500
OPENAI_PROMPT: Final = 32_000
REFUSAL: Final = "The prompt was rejected: it doesn't comply with the rules of image generation"
_FIELDS: Final = frozenset({"model", "prompt", "n", "size", "quality", "user"})
_SIDES: Final = frozenset({1024, 1536})


def check_image(body: Any, folder_id: str) -> tuple[str, int, int]:
    """Prompt, width and height; or `Refused`."""
    if not isinstance(body, dict):
        raise Refused(3, "We could not parse the JSON body of your request.", "C")
    for name in body:
        if name not in _FIELDS:
            raise Refused(3, f"Unknown parameter: '{name}'.", "C")
    model, prompt, size = body.get("model"), body.get("prompt"), body.get("size", "1024x1024")
    if not isinstance(model, str) or not model:
        raise Refused(3, "you must provide a model parameter", "C")
    longest = OPENAI_PROMPT
    if model.startswith("art://"):
        longest = YANDEX_PROMPT
        if model != f"art://{folder_id}/{YANDEX_MODEL}":
            raise Refused(7, f"Access to model {model} denied", "C")
    if not isinstance(prompt, str) or not 0 < len(prompt) <= longest:
        raise Refused(3, f"prompt must have 1 to {longest} characters", "C")
    found = re.fullmatch(r"(\d+)x(\d+)", size) if isinstance(size, str) else None
    if found is None or not {int(found[1]), int(found[2])} <= _SIDES:
        raise Refused(3, f"Invalid size: {size!r}", "C")
    return prompt, int(found[1]), int(found[2])


def answer(prompt: str, width: int, height: int, address: str) -> dict[str, Any]:
    """Return the answer's body: the picture itself, or its address where one is given."""
    if address:
        return {"created": 0, "data": [{"url": address}]}
    coded = base64.b64encode(draw(prompt, width, height)).decode()
    return {"created": 0, "data": [{"b64_json": coded}]}
