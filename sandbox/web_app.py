"""Build what Telegram gives a Web App: init data signed with the bot's token, in the address' fragment."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

VERSION = "9.1"


def init_data(user: Mapping[str, Any], token: str, query_id: str, auth_date: int) -> str:
    """Return the signed data for a Web App of an inline or menu button; a reply keyboard's gets none."""
    shown = {name: value for name, value in user.items() if name != "is_bot"} | {"allows_write_to_pm": True}
    data = {
        "query_id": query_id,
        "user": json.dumps(shown, ensure_ascii=False, separators=(",", ":")),
        "auth_date": str(auth_date),
        # For third parties, by Telegram's own key. The hash below covers it as it covers every field.
        "signature": base64.urlsafe_b64encode(secrets.token_bytes(64)).decode().rstrip("="),
    }
    lines = "\n".join(f"{name}={data[name]}" for name in sorted(data))
    secret = hmac.digest(b"WebAppData", token.encode(), hashlib.sha256)
    data["hash"] = hmac.new(secret, lines.encode(), hashlib.sha256).hexdigest()
    return urlencode(data, quote_via=quote)


def address(url: str, init: str) -> str:
    """Return the address as a client opens it; the page adds its theme."""
    page, _, fragment = url.partition("#")
    more = {"tgWebAppData": init, "tgWebAppVersion": VERSION, "tgWebAppPlatform": "web"}
    given = f"{fragment}&" if fragment else ""
    return f"{page}#{given}{urlencode(more, quote_via=quote)}"
