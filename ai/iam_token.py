"""IAM tokens of Yandex Cloud: a service account's key file, and the two services that issue a token."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ai.error_mapping import read_error, read_object
from ai.provider import Call
from ai.request import fetch
from core.errors import ModelAway, ModelDenied
from core.http_client import HttpClient
from core.schemas import Json

AUDIENCE: Final = "https://iam.api.cloud.yandex.net/iam/v1/tokens"  # of the JWT, whatever address is asked


@dataclass(frozen=True, slots=True)
class Token:
    """An IAM token and the Unix time at which it expires."""

    value: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class AuthorizedKey:
    """A service account's authorized key, as `yc iam key create` writes it."""

    key_id: str
    service_account_id: str
    private_key: str

    @classmethod
    def read(cls, path: Path) -> AuthorizedKey:
        """Read the file at `path`. Raise ModelDenied with what is wrong with it."""
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            return cls(str(value["id"]), str(value["service_account_id"]), str(value["private_key"]))
        except OSError as error:
            raise ModelDenied(f"the service account's key file can't be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelDenied("the service account's key file isn't an authorized key in JSON") from error

    def jwt(self, now: float) -> str:
        """Return a signed JWT to exchange for an IAM token, valid for an hour."""
        import jwt  # heavy, and needed here only

        claims = {"iss": self.service_account_id, "aud": AUDIENCE, "iat": int(now), "exp": int(now) + 3600}
        try:
            return jwt.encode(claims, self.private_key, algorithm="PS256", headers={"kid": self.key_id})
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise ModelDenied("the service account's private key can't be used") from error


def exchange_for_token(http: HttpClient, url: str, body: Mapping[str, Json], timeout_s: float) -> Token:
    """Ask IAM for a token in exchange for a JWT or an OAuth token. Raise ModelError."""
    value = read_object(fetch(http, Call(url, {}, body), read_error, timeout_s))
    try:
        return Token(str(value["iamToken"]), unix_time(str(value["expiresAt"])))
    except (KeyError, ValueError) as error:
        raise ModelAway("IAM answered without a token") from error


def machine_token(http: HttpClient, url: str, timeout_s: float) -> Token:
    """Ask the metadata service for the token of this machine's service account. Raise ModelError."""
    address = f"{url.rstrip('/')}/computeMetadata/v1/instance/service-accounts/default/token"
    value = read_object(fetch(http, Call(address, {"Metadata-Flavor": "Google"}), read_error, timeout_s))
    try:
        return Token(str(value["access_token"]), time.time() + float(value["expires_in"]))
    except (KeyError, ValueError, TypeError) as error:
        raise ModelAway("the metadata service answered without a token") from error


def unix_time(stamp: str) -> float:
    """Return the Unix seconds of `2026-10-01T12:00:00.123456789Z`; digits after the sixth are dropped."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp)).timestamp()
