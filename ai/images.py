"""Images by a model: Yandex's (by its OpenAI-compatible API) or any OpenAI-compatible server's.

A server may answer with an address instead of bytes. The address isn't trusted: http(s) only, no redirects, no private
network except the server's own machine. What an image costs: `turns/billing.py`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, Protocol, Unpack
from urllib.parse import urlsplit

from ai.error_mapping import read_error, read_object
from ai.provider import Call, Credential, StaticCredential
from ai.retry import CallContext
from ai.server_address import ServerAddress
from ai.service_client import ServiceClient, ServiceOptions
from core.cancellation import Cancel
from core.errors import ModelAway, ModelError, ModelRefused
from core.http_client import HttpClient
from core.schemas import Json
from core.text import split

YANDEX_MODEL: Final = "aliceai-image-art-3.0"
YANDEX_PROMPT: Final = 500  # characters of a prompt at most
OPENAI_MODEL: Final = "gpt-image-1"
OPENAI_PROMPT: Final = 1000  # what the narrowest of OpenAI's models takes
SIZE: Final = "1024x1024"
PURPOSE: Final = "image"
_MAGIC: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
# A 400 that names one of these is about our request and not about the prompt; no code tells them apart.
_OURS: Final = re.compile(
    r"model[ _-]?ur[il]|folder|\bmodel\b.{0,120}(?:not found|not exist|denied|invalid)", re.I | re.S
)


class ImageGenerator(Protocol):
    """A service that makes images."""

    def paint(self, prompt: str, cancel: Cancel | None = None, *, user_id: int = 0, turn_id: int = 0) -> bytes:
        """Return an image as the bytes of a JPEG or PNG file. Blocks for seconds and costs money.

        A prompt that is too long loses its end. Raise ModelRefused if the vendor refuses the prompt, else another
        ModelError.
        """


class OpenAIImageGenerator:
    """Images of an OpenAI-compatible server; `base_url` ends in `/v1`. A local server needs no credential."""

    purpose = PURPOSE
    longest_prompt = OPENAI_PROMPT

    def __init__(
        self,
        base_url: str,
        http: HttpClient,
        credential: Credential,
        *,
        model: str = OPENAI_MODEL,
        **options: Unpack[ServiceOptions],
    ) -> None:
        self._address = ServerAddress.read(base_url)
        self._model = model
        self._api = ServiceClient(http, credential, **options)
        self._files = ServiceClient(http, StaticCredential(""), **options)

    def paint(self, prompt: str, cancel: Cancel | None = None, *, user_id: int = 0, turn_id: int = 0) -> bytes:
        """Return the image's bytes. Cut a prompt that is too long. Raise ModelError."""
        context = CallContext(PURPOSE, self._model, user_id, turn_id, cancel)
        body = self._body(cut_prompt(prompt, self.longest_prompt))
        peers: list[str] = []
        made = self._api.ask(
            context,
            lambda authorization: Call(self._address.url("/images/generations"), self._headers(authorization), body),
            _read,
            error_reader=image_error,
            peer_seen=peers.append,
        )
        return made.data or self._fetched(context, made.url, frozenset(peers))

    def _body(self, prompt: str) -> dict[str, Json]:
        return {"model": self._model, "prompt": prompt, "n": 1, "size": SIZE}

    def _headers(self, authorization: str) -> dict[str, str]:
        return {"Authorization": authorization} if authorization else {}

    def _fetched(self, context: CallContext, url: str, own: frozenset[str]) -> bytes:
        """Download the image at `url`. `own`: the IP addresses of the server itself, or of the proxy before it."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        own_host = urlsplit(self._address.base).hostname or ""

        def check(peer: str) -> None:
            if peer not in own and not _public(peer):
                raise ModelAway("the picture's address leads into a private network", billed=True)

        try:
            if parts.scheme not in ("http", "https") or not host:
                raise ModelAway("the picture's address isn't http or https", billed=True)
            if host not in (own_host, *own) and not _public(host):  # a proxy would connect there, unseen by `check`
                raise ModelAway("the picture's address is in a private network", billed=True)
            return self._files.ask(context, lambda _: Call(url, {}), _picture, peer_seen=check)
        except ModelError as error:
            error.billed = True  # the vendor made the image
            raise


class YandexImageGenerator(OpenAIImageGenerator):
    """Images of Yandex's model, in the folder `folder_id`."""

    longest_prompt = YANDEX_PROMPT

    def __init__(
        self,
        folder_id: str,
        http: HttpClient,
        credential: Credential,
        *,
        base_url: str,
        model: str = YANDEX_MODEL,
        **options: Unpack[ServiceOptions],
    ) -> None:
        uri = model if "://" in model else f"art://{folder_id}/{model}"
        super().__init__(base_url, http, credential, model=uri, **options)
        self._folder_id = folder_id

    def _body(self, prompt: str) -> dict[str, Json]:
        return {"model": self._model, "prompt": prompt, "size": SIZE}

    def _headers(self, authorization: str) -> dict[str, str]:
        # API keys go as bearers here too.
        bearer = "Bearer " + authorization.rpartition(" ")[2]
        return {"Authorization": bearer, "OpenAI-Project": self._folder_id, "x-data-logging-enabled": "false"}


def cut_prompt(prompt: str, limit: int) -> str:
    """Return the prompt on one line, cut after a sentence, else a word, to at most `limit` characters."""
    pieces = split(" ".join(prompt.split()), limit)
    return pieces[0] if pieces else ""


def image_error(status: int, headers: Mapping[str, str], body: str) -> ModelError:
    """Return the error for a status other than 200; a bad request is a refusal unless it names our own mistake."""
    error = read_error(status, headers, body)
    if type(error) is not ModelError or error.status != 400 or _OURS.search(str(error)):
        return error
    fields = _error_fields(body)
    moderated = fields.get("code") == "moderation_blocked"
    invalid = fields.get("type") == "invalid_request_error" and fields.get("param") in (None, "", "prompt")
    if not moderated and not invalid:
        return error
    return ModelRefused(str(error), status=error.status, body=error.body, request_id=error.request_id)


def _error_fields(body: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    fields = value.get("error") if isinstance(value, dict) else None
    return fields if isinstance(fields, dict) else {}


@dataclass(frozen=True, slots=True)
class _Made:
    """An image, or its address."""

    data: bytes = b""
    url: str = ""


def _read(body: bytes) -> _Made:
    pictures = read_object(body).get("data")
    first = pictures[0] if isinstance(pictures, list) and pictures else None
    coded, url = (first.get("b64_json"), first.get("url")) if isinstance(first, dict) else (None, None)
    if isinstance(coded, str) and coded:
        try:
            return _Made(data=_picture(base64.b64decode(coded, validate=True)))
        except ValueError as error:
            raise ModelAway("a picture that isn't base64") from error
    if isinstance(url, str) and url:
        return _Made(url=url)
    raise ModelAway("an answer without a picture")


def _picture(data: bytes) -> bytes:
    if not data.startswith(_MAGIC):
        raise ModelAway("the picture is neither JPEG nor PNG")
    return data


def _public(host: str) -> bool:
    """Return False for an address of this machine or a private network; True for any host name but localhost."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host != "localhost"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_global
    return address.is_global
