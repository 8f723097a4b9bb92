"""Pictures for models that take them: made small, counted in tokens, written into a request, and refused. No network.

Only the OpenAI-compatible API takes pictures; Yandex's native one takes none.
"""

from __future__ import annotations

import base64
import io
import math
import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from core.errors import FileUnreadable, ModelError, ModelRefused, PicturesRefused, PromptTooLong, is_disk_failure
from core.pillow import load_pillow
from core.schemas import Json, Message, Picture, Request

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE_PX: Final = 1_280  # of the longer side: more tells a model little and costs much
LEAST_SIDE_PX: Final = 256  # of the longer side of a picture among several; smaller ones say nothing
MOST_PIXELS: Final = 50_000_000  # of a file
MOST_DECODED: Final = 25_000_000  # pixels that are held, four bytes each; a JPEG is decoded smaller at once
FORMATS: Final = ("JPEG", "PNG", "WEBP")
_QUALITY: Final = 85
_DECODING: Final = threading.Lock()  # one at a time: each may take 300 MB
_STATUSES: Final = frozenset({400, 404, 415, 422, 500, 501})
_PICTURES: Final = r"(?:image(?:_url|\(s\)|s)?|pictures?|vision|multi-?modal)"
_NO: Final = (
    r"(?:not (?:be )?(?:supported|allowed|available|an? )|unsupported|(?:does(?:n['’]t| not)|that) support"
    r"|only supported|missing|unknown|unexpected|at most 0|can(?:no|['’])t)"
)
# A server whose messages are texts alone speaks of the type of `content` and not of pictures.
_TAKES_NONE: Final = re.compile(
    rf"\b{_PICTURES}\b.{{0,80}}{_NO}|{_NO}.{{0,80}}\b{_PICTURES}\b|mmproj"
    r"|content.{0,40}(?:must|should) be a (?:valid )?string|str type expected|a valid string"
    r"|cannot unmarshal array|invalid message content type|unknown variant|invalid type: sequence",
    re.IGNORECASE | re.DOTALL,
)
# The picture itself was refused, and another one would be taken.
_THIS_ONE: Final = re.compile(
    r"decod|download|fetch|base64|too large|corrupt|could not (?:process|load)", re.IGNORECASE
)


def size_for(width: int, height: int, pixels: float) -> tuple[int, int]:
    """Return width and height of a picture that is to have so many pixels at most, and `SIDE_PX` a side."""
    longer = max(width, height, 1)
    scale = min(1.0, SIDE_PX / longer, math.sqrt(pixels / max(1, width * height)))
    scale = max(scale, min(1.0, LEAST_SIDE_PX / longer))
    return max(1, int(width * scale)), max(1, int(height * scale))


def tokens_of(width: int, height: int, pixels_per_token: int) -> int:
    """Return about how many tokens a picture of this size takes."""
    return math.ceil(width * height / pixels_per_token)


def prepared(content: bytes, *, pixels: float, pixels_per_token: int) -> Picture:
    """Return a user's file as a picture of at most so many pixels: upright, without what its camera wrote into it.

    Takes up to 0.2 s of CPU. Raises `FileUnreadable`; `OSError` if the disk fails as Pillow imports a module.
    """
    load_pillow()
    from PIL import Image

    try:
        with _DECODING:
            whole = _decoded(content)
    except FileUnreadable:
        raise
    except Image.DecompressionBombError as error:
        raise FileUnreadable("huge_picture") from error
    except Exception as error:  # Pillow raises errors of many types at a broken file
        if is_disk_failure(error):
            raise
        raise FileUnreadable("no_picture") from error
    whole = whole.resize(size_for(whole.width, whole.height, pixels), Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    whole.save(jpeg, "JPEG", quality=_QUALITY, optimize=True)
    return Picture(jpeg.getvalue(), tokens_of(whole.width, whole.height, pixels_per_token))


def _decoded(content: bytes) -> Image:
    """Return a picture upright, on white, of at most `SIDE_PX` a side."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise FileUnreadable("huge_picture")
        opened.draft("RGB", (SIDE_PX, SIDE_PX))
        if opened.width * opened.height > MOST_DECODED:
            raise FileUnreadable("huge_picture")
        small = opened if opened.mode in ("L", "RGB", "RGBA") else opened.convert("RGBA")
        small.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        layers = ImageOps.exif_transpose(small).convert("RGBA")
    whole = Image.new("RGB", layers.size, "white")  # what a drawing without a background stands on
    whole.paste(layers, mask=layers.getchannel("A"))
    return whole


# ---------------------------------------------------------------------- the request


def content(message: Message) -> Json:
    """Return the content of a message as the OpenAI-compatible API has it: a text, or a text and pictures."""
    if not message.pictures:
        return message.text
    parts: list[Json] = [{"type": "text", "text": message.text}]
    for picture in message.pictures:
        url = f"data:image/jpeg;base64,{base64.b64encode(picture.jpeg).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


# ---------------------------------------------------------------------- what servers say


def refuses_pictures(error: ModelError, request: Request) -> bool:
    """Return True if a server has refused a request because of its pictures."""
    if error.status not in _STATUSES or not any(message.pictures for message in request.messages):
        return False
    if isinstance(error, ModelRefused | PromptTooLong):
        return False
    words = f"{error} {error.body}"
    return _TAKES_NONE.search(words) is not None and _THIS_ONE.search(words) is None


def told_by(error: ModelError, request: Request) -> ModelError:
    """Return `PicturesRefused` for a refusal of pictures; any other error itself."""
    if not refuses_pictures(error, request):
        return error
    return PicturesRefused(str(error), status=error.status, body=error.body, request_id=error.request_id)


def listed_as_taking_pictures(model: Mapping[str, Any]) -> bool | None:
    """Return whether a server's list says that a model takes pictures; None if it says nothing of it.

    OpenRouter names its modalities, llama.cpp and Mistral its capabilities, LiteLLM and LM Studio have fields of their
    own.
    """
    architecture = model.get("architecture")
    modalities = architecture.get("input_modalities") if isinstance(architecture, dict) else None
    if isinstance(modalities, list):
        return "image" in modalities
    capabilities = model.get("capabilities")
    if isinstance(capabilities, dict) and isinstance(capabilities.get("vision"), bool):
        return bool(capabilities["vision"])
    if isinstance(capabilities, list) and capabilities:
        return bool({"multimodal", "vision"} & {str(capability) for capability in capabilities})
    information = model.get("model_info")
    for place in (model, information if isinstance(information, dict) else {}):
        if isinstance(place.get("supports_vision"), bool):
            return bool(place["supports_vision"])
    return {"vlm": True, "llm": False}.get(str(model.get("type")))
