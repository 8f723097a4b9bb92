"""The error tree. A class exists only if some caller acts on it differently.

    CoauthorError
    ├── ConfigError              the environment can't be used; holds all that is wrong
    ├── StorageError             a file, mostly the database, can't be read or written now (full disk, lock, damage)
    │   └── ForeignDatabase      the file isn't ours, or comes from a newer version
    ├── NoAnswer                 an HTTP request was not answered to its end; `sent` as below
    ├── TelegramError
    │   ├── TelegramRefused      they said no: `code`, `description`, `retry_after_s`
    │   └── TelegramUnreachable  nobody answered; `sent` says whether the request may have arrived
    ├── ModelError               a call of a model, tokenizer or credential service failed
    │   ├── ModelRefused         the model won't write about this; the user's turn stays out of the prompt
    │   ├── PromptTooLong        the vendor says that the prompt doesn't fit
    │   ├── PicturesRefused      the model takes no pictures
    │   ├── AudioFormatRefused   a recording isn't in the format that this service takes
    │   ├── ModelGone            the vendor has no such model, or not for this account
    │   ├── ModelDenied          401/403: the credential, the folder or the billing
    │   ├── ModelBusy            429
    │   ├── ModelAway            5xx, no connection, a timeout, a cut stream, nonsense instead of an answer
    │   │   └── OnlyThoughts     a reasoning model came to its limit before the first word of its answer
    │   └── ModelCancelled       stopped on request
    ├── FileUnreadable           a user's file has no text or picture that can be read; `reason` says why
    └── LimitReached             a limit of users, sessions or tokens; `limit` names it

No message holds a secret: addresses and bodies are masked before an error is raised.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_DISK_FAILURES: Final = {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE}


class CoauthorError(Exception):
    """Any failure that this program expects."""


def innermost(error: Exception) -> Exception:
    """Return the error that a library wrapped, in `reason` or as an error's last argument, perhaps several times."""
    while isinstance(inner := getattr(error, "reason", None) or next(reversed(error.args), None), Exception):
        error = inner
    return error


class ConfigError(CoauthorError):
    """All that is wrong with the configuration: sentences that name a variable and how to correct it."""

    def __init__(self, faults: Sequence[str], *, no_token: bool = False) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)
        self.no_token = no_token  # only the token is missing: a first start


class StorageError(CoauthorError):
    """The database, or another file that the bot needs, can't be read or written now."""


class ForeignDatabase(StorageError):
    """The file belongs to another program or to a newer version of this one."""


def is_disk_failure(error: BaseException) -> bool:
    """Return whether the disk fails, or no file can be opened now: the same may go well later.

    It may be the database, or a file of the program itself, which reads some of them when they are first needed.
    """
    return isinstance(error, StorageError) or (isinstance(error, OSError) and error.errno in _DISK_FAILURES)


def raise_disk_failure(file: Path, error: OSError) -> None:
    """Raise `StorageError` if the disk fails; return if something else is wrong with the file, such as its mode."""
    if is_disk_failure(error):
        raise StorageError(f"{file}: {error.strerror}") from error


class NoAnswer(CoauthorError):
    """An HTTP request got no answer, or none to its end. `sent`: it may have arrived."""

    def __init__(self, message: str, *, sent: bool, timed_out: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.timed_out = timed_out


class TelegramError(CoauthorError):
    """A Bot API call failed; `method` names it."""

    def __init__(self, method: str, message: str) -> None:
        super().__init__(f"{method}: {message}")
        self.method = method


class TelegramRefused(TelegramError):
    """Telegram answered no."""

    def __init__(
        self,
        method: str,
        code: int,
        description: str,
        retry_after_s: float | None = None,
        moved_to: int | None = None,
    ) -> None:
        super().__init__(method, f"{code} {description}")
        self.code = code
        self.description = description
        self.retry_after_s = retry_after_s
        self.moved_to = moved_to  # the id that the chat, a group, has now


class TelegramUnreachable(TelegramError):
    """Nobody answered, or a gateway answered in Telegram's place."""

    def __init__(self, method: str, message: str, *, sent: bool) -> None:
        super().__init__(method, message)
        self.sent = sent  # False: surely not arrived, safe to send again


class ModelError(CoauthorError):
    """A call of a model or of a service beside it failed.

    `status` is the HTTP status, or the one that the vendor's code means (0: no answer). `body` is the start of the
    answer, `request_id` the vendor's id for its support. `billed`: the vendor may have charged for the call.
    """

    def __init__(
        self, message: str, *, status: int = 0, body: str = "", request_id: str = "", billed: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.request_id = request_id
        self.billed = billed


class ModelRefused(ModelError):
    """The model or its content filter won't write about this."""


class PromptTooLong(ModelError):
    """The prompt doesn't fit the model's context; `context_tokens` if the vendor says how large that is."""

    context_tokens = 0


class PicturesRefused(ModelError):
    """The model takes no pictures."""


class AudioFormatRefused(ModelError):
    """The service doesn't take recordings of this format; `format` is its name, empty if it is unknown."""

    def __init__(self, message: str, *, format: str) -> None:
        super().__init__(message)
        self.format = format


class ModelGone(ModelError):
    """The vendor has no model of this name, or not for this account."""


class ModelDenied(ModelError):
    """The credential, the folder, the role or the billing is wrong."""


class ModelBusy(ModelError):
    """The vendor's quota is exceeded; `retry_after_s` if the vendor says it."""

    retry_after_s: float | None = None


class ModelAway(ModelError):
    """No usable answer: 5xx, no connection, a timeout, a cut stream, nonsense."""


class OnlyThoughts(ModelAway):
    """A reasoning model came to its limit before the first word of its answer."""


class ModelCancelled(ModelError):
    """Stopped on request."""


class FileUnreadable(CoauthorError):
    """A user's file can't be read.

    `reason` is one of broken, empty, locked, too_large, too_long, no_picture, huge_picture.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"a file can't be read: {reason}")
        self.reason = reason


class LimitReached(CoauthorError):
    """A limit is reached; `limit` is one of users, sessions, session, balance, project."""

    def __init__(self, limit: str, *, used: int = 0, allowed: int = 0) -> None:
        super().__init__(f"{limit}: {used} of {allowed}")
        self.limit = limit
        self.used = used
        self.allowed = allowed
