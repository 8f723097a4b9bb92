"""Credentials for Yandex Cloud: the `Authorization` header, however it is had.

Five ways, the first that is set: an API key; a ready IAM token; a service account's authorized key (a JSON
file, exchanged as a signed JWT); a Passport OAuth token (Yandex ends it by the end of 2026); nothing at all:
the metadata service of a Yandex virtual machine. The last three yield IAM tokens of at most 12 hours:
`RenewedToken` fetches one at least hourly and well before its end. While an old one is valid one thread
renews it and the others go on using it; when there is none they wait for that thread.
Doesn't cover: storing tokens, `yc` profiles, workload identity federations.
"""

from __future__ import annotations

import copy
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from connections import Sessions
from errors import ModelAway, ModelDenied, ModelError
from messages import Json
from wires.exchanges import fetch
from wires.model_errors import read_error
from wires.wire import Call, Credential, Fault, Static

log = logging.getLogger(__name__)

IAM_URL: Final = "https://iam.api.cloud.yandex.net"
METADATA_URL: Final = "http://169.254.169.254"
AUDIENCE: Final = "https://iam.api.cloud.yandex.net/iam/v1/tokens"  # of the JWT, whatever address is asked
RENEW_S: Final = 3600.0
MARGIN_S: Final = 60.0  # a token so close to its end is not used: the request may arrive after it
FETCH_S: Final = 10.0
PAUSE_S: Final = 30.0  # after a failed renewal, while the old token still works


@dataclass(frozen=True, slots=True)
class Token:
    """An IAM token and the Unix time at which it ends."""

    value: str
    expires_at: float


class RenewedToken:
    """A credential that fetches IAM tokens in time. `fetch_token` gets a timeout and raises ModelError."""

    def __init__(
        self,
        fetch_token: Callable[[float], Token],
        *,
        on_fault: Callable[[Fault], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch_token
        self._on_fault = on_fault
        self._clock = clock
        self._renewing = threading.Lock()
        self._token: Token | None = None
        self._renew_at = 0.0
        self._failures = 0
        self._failure: ModelError | None = None

    def header(self, timeout_s: float) -> str:
        """`Bearer …`, renewed ahead of its end; the old one serves if that fails. Raises ModelError."""
        token, now = self._token, self._clock()
        if token is None or now >= token.expires_at - MARGIN_S:
            token = self._first(timeout_s)
        elif now >= self._renew_at and self._renewing.acquire(blocking=False):
            try:
                token = self._renew(min(timeout_s, FETCH_S))
            except ModelError as error:
                self._renew_at = self._clock() + PAUSE_S
                self._report(error)
            finally:
                self._renewing.release()
        return f"Bearer {token.value}"

    def drop(self, header: str) -> bool:
        """Forgets the refused token, if it is still the current one; False only for an empty header."""
        if not header:
            return False  # it was IAM itself that refused
        token = self._token
        if token is not None and header == f"Bearer {token.value}":
            self._token = None
        return True  # had another thread a new one already, the next header is that

    def _first(self, timeout_s: float) -> Token:
        failures = self._failures
        if not self._renewing.acquire(timeout=timeout_s):
            raise ModelAway("no IAM token in time")
        try:
            token = self._token
            if token is not None and self._clock() < token.expires_at - MARGIN_S:
                return token  # fetched while this thread waited
            if self._failure is not None and self._failures > failures:
                raise copy.copy(self._failure)  # refused while it waited: not once more for each thread
            return self._renew(min(timeout_s, FETCH_S))
        finally:
            self._renewing.release()

    def _renew(self, timeout_s: float) -> Token:
        try:
            token = self._fetch(timeout_s)
        except ModelError as error:
            self._failure = error
            self._failures += 1
            raise
        now = self._clock()
        self._renew_at = now + min(RENEW_S, (token.expires_at - now) * 0.8)
        self._token = token
        return token

    def _report(self, error: ModelError) -> None:
        log.warning("IAM token not renewed, the old one is used on: %s %s", error.status, error)
        if self._on_fault is not None:
            self._on_fault(Fault(time.time(), "iam", 0, 0, 1, True, "", error))


def yandex_credential(
    sessions: Sessions,
    *,
    api_key: str = "",
    iam_token: str = "",
    sa_key_file: str | Path = "",
    oauth_token: str = "",
    iam_url: str = IAM_URL,
    metadata_url: str = METADATA_URL,
    on_fault: Callable[[Fault], None] | None = None,
) -> Credential:
    """The credential of the first way that is set. No network yet. Raises ModelDenied for a bad key file."""
    if api_key:
        return Static(f"Api-Key {api_key}")
    if iam_token:
        return Static(f"Bearer {iam_token}")
    address = f"{iam_url.rstrip('/')}/iam/v1/tokens"
    if sa_key_file:
        key = AuthorizedKey.read(Path(sa_key_file))
        return RenewedToken(
            lambda timeout_s: exchange_for_token(sessions, address, {"jwt": key.jwt(time.time())}, timeout_s),
            on_fault=on_fault,
        )
    if oauth_token:
        log.warning("OAuth tokens for Yandex Cloud end in 2026: use an API key or a service account's key instead")
        body: dict[str, Json] = {"yandexPassportOauthToken": oauth_token}
        return RenewedToken(lambda timeout_s: exchange_for_token(sessions, address, body, timeout_s), on_fault=on_fault)
    return RenewedToken(lambda timeout_s: machine_token(sessions, metadata_url, timeout_s), on_fault=on_fault)


@dataclass(frozen=True, slots=True)
class AuthorizedKey:
    """A service account's authorized key, as `yc iam key create` writes it."""

    key_id: str
    service_account_id: str
    private_key: str

    @classmethod
    def read(cls, path: Path) -> AuthorizedKey:
        """Raises ModelDenied with what is wrong with the file."""
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            return cls(str(value["id"]), str(value["service_account_id"]), str(value["private_key"]))
        except OSError as error:
            raise ModelDenied(f"the service account's key file can't be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelDenied("the service account's key file isn't an authorized key in JSON") from error

    def jwt(self, now: float) -> str:
        """A signed JWT to exchange for an IAM token; good for an hour."""
        import jwt  # heavy, and needed for this way only

        claims = {"iss": self.service_account_id, "aud": AUDIENCE, "iat": int(now), "exp": int(now) + 3600}
        try:
            return jwt.encode(claims, self.private_key, algorithm="PS256", headers={"kid": self.key_id})
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise ModelDenied("the service account's private key can't be used") from error


def exchange_for_token(sessions: Sessions, url: str, body: Mapping[str, Json], timeout_s: float) -> Token:
    """An IAM token for a JWT or an OAuth token. Raises ModelError."""
    value = _object(fetch(sessions, Call(url, {}, body), read_error, timeout_s))
    try:
        return Token(str(value["iamToken"]), unix_time(str(value["expiresAt"])))
    except (KeyError, ValueError) as error:
        raise ModelAway("IAM answered without a token") from error


def machine_token(sessions: Sessions, url: str, timeout_s: float) -> Token:
    """The IAM token of this virtual machine's service account. Raises ModelError."""
    address = f"{url.rstrip('/')}/computeMetadata/v1/instance/service-accounts/default/token"
    value = _object(fetch(sessions, Call(address, {"Metadata-Flavor": "Google"}), read_error, timeout_s))
    try:
        return Token(str(value["access_token"]), time.time() + float(value["expires_in"]))
    except (KeyError, ValueError, TypeError) as error:
        raise ModelAway("the metadata service answered without a token") from error


def unix_time(stamp: str) -> float:
    """Unix seconds of `2026-10-01T12:00:00.123456789Z`; more than six digits are trimmed."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp)).timestamp()


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ModelAway("no JSON object where a token was expected")
    return value
