"""Check the JWTs and OAuth tokens that Yandex's IAM exchanges, and build its answer. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.yandex_api import Refused

JWT_AUDIENCE: Final = "https://iam.api.cloud.yandex.net/iam/v1/tokens"


def check(body: Any, public_key: str, oauth_tokens: set[str] | None) -> None:
    """Raise `Refused` unless `body` has a signed JWT or a Passport OAuth token."""
    given = body if isinstance(body, dict) else {}
    if set(given) == {"jwt"}:
        _check_jwt(str(given["jwt"]), public_key)
    elif set(given) == {"yandexPassportOauthToken"}:
        oauth = str(given["yandexPassportOauthToken"])
        if not (oauth in oauth_tokens if oauth_tokens is not None else oauth.startswith("y0_")):
            raise Refused(16, "OAuth token is invalid or expired", "B")
    else:
        raise Refused(3, "one of jwt, yandexPassportOauthToken must be set", "B")


def answer(issue_token: Callable[[], str], life_s: float) -> dict[str, str]:
    """Return a new token; its end has nanoseconds, as with the real service."""
    ends = datetime.fromtimestamp(time.time() + life_s, UTC)
    return {"iamToken": issue_token(), "expiresAt": f"{ends:%Y-%m-%dT%H:%M:%S}.123456789Z"}


def _check_jwt(token: str, public_key: str) -> None:
    import jwt  # heavy, and only needed here

    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(
            token,
            public_key,
            algorithms=["PS256"],
            audience=JWT_AUDIENCE,
            options={"require": ["iss", "aud", "iat", "exp"], "verify_signature": bool(public_key)},
        )
    except jwt.PyJWTError as error:
        raise Refused(16, f"JWT is invalid: {error}", "B") from error
    lives = claims.get("exp", 0) - claims.get("iat", 0)
    if header.get("alg") != "PS256" or not header.get("kid") or not claims.get("iss") or not 0 < lives <= 3600:
        raise Refused(16, "JWT is invalid: header or claims", "B")
