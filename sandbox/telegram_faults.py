"""Order faults of Telegram: a status, a wait, a broken connection, a proxy's page instead of JSON.

Faults apply in order, each to its method ("*": any but getUpdates) and so many times; one fault per call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.http_wire import Dropped, HttpResponse, json_response
from sandbox.telegram_profile import ApiError

BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class TelegramFault:
    """A fault of calls. `after`: the call takes effect, and only its answer is lost or replaced."""

    method: str
    answer: HttpResponse | None = None
    drop: bool = False
    wait_s: float = 0.0
    after: bool = False
    times: int = 1
    chat_id: int | None = None


class CallFaults:
    """The ordered faults; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[TelegramFault] = []
        self._released = threading.Event()

    def refuse(
        self,
        method: str,
        status: int,
        description: str = "",
        *,
        retry_after: int | None = None,
        times: int = 1,
        chat_id: int | None = None,
        after: bool = False,
    ) -> None:
        """Answer the next `times` calls of the method with this error."""
        if not description:
            words = {429: f"Too Many Requests: retry after {retry_after}", 500: "Internal Server Error"}
            description = words.get(status, "Bad Request: ordered by a test")
        answer = json_response(ApiError(status, description, retry_after).json(), status)
        self._add(TelegramFault(method, answer, times=times, chat_id=chat_id, after=after))

    def drop(self, method: str, *, after: bool = False, times: int = 1) -> None:
        """Break the connection before the call takes effect, or `after` it."""
        self._add(TelegramFault(method, drop=True, after=after, times=times))

    def hang(self, method: str, wait_s: float, *, after: bool = False, times: int = 1) -> None:
        """Delay the answer by `wait_s`; the call takes effect at the end, or at once with `after`."""
        self._add(TelegramFault(method, wait_s=wait_s, after=after, times=times))

    def bad_gateway(self, method: str, *, after: bool = False, times: int = 1) -> None:
        """Answer with a proxy's HTML and status 502."""
        self._add(TelegramFault(method, HttpResponse(502, BAD_GATEWAY, "text/html"), after=after, times=times))

    def not_json(self, method: str, body: bytes = b"<html>OK</html>", *, times: int = 1) -> None:
        """Answer with a body that isn't JSON and status 200."""
        self._add(TelegramFault(method, HttpResponse(200, body, "text/html"), times=times))

    def clear(self) -> None:
        """Remove all faults, and release the calls that hang."""
        with self._lock:
            self._faults.clear()
        self._released.set()

    def _add(self, fault: TelegramFault) -> None:
        self._released.clear()
        with self._lock:
            self._faults.append(fault)

    def take(self, method: str, chat_id: object) -> TelegramFault | None:
        """Return the fault of this call and count it down; None if there is none."""
        if not self._faults:
            return None
        with self._lock:
            for index, fault in enumerate(self._faults):
                named = fault.method == method or (fault.method == "*" and method != "getUpdates")
                if not named or (fault.chat_id is not None and str(fault.chat_id) != str(chat_id)):
                    continue
                if fault.times > 1:
                    self._faults[index] = replace(fault, times=fault.times - 1)
                else:
                    del self._faults[index]
                return fault
        return None

    def apply(self, fault: TelegramFault, run: Callable[[], HttpResponse]) -> HttpResponse:
        """Return the answer to a call with this fault; `run` executes the call."""
        answer = run() if fault.after else None
        if fault.wait_s:
            self._released.wait(fault.wait_s)
        if fault.drop:
            raise Dropped
        return fault.answer or answer or run()
