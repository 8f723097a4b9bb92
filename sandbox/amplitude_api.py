"""Stand in for Amplitude: `POST /2/httpapi`, as its official SDK calls it.

Checks requests as the HTTP V2 API does (key, sizes, required fields, lengths of ids), keeps every accepted event once
by its `insert_id`, and misbehaves to order. Doesn't cover the batch endpoint, identify, and the EU's own address.

    with AmplitudeServer() as amplitude:
        ...  # start a bot with AMPLITUDE_URL=amplitude.url and any AMPLITUDE_API_KEY
        amplitude.wait("registered")
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from sandbox.http_wire import Dropped, HttpRequest, HttpResponse, HttpServer, json_response

PATH = "/2/httpapi"
LARGEST = 1024 * 1024
MOST_EVENTS = 2000
SHORTEST_ID = 5
KEPT_EVENTS = 10_000
TOLD = {
    400: "Request missing required field",
    413: "Payload too large",
    429: "Too many requests for some devices and users",
}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AmplitudeFault:
    """What happens to a request instead of an answer: another status, `hang_s` of silence, or a broken connection."""

    status: int = 200
    hang_s: float = 0.0
    drop: bool = False
    not_json: bool = False  # a proxy's page under the status


class AmplitudeServer:
    """A context manager; `url` is the whole endpoint, as AMPLITUDE_URL takes it.

    `default` is the behaviour when nothing is ordered; an empty `api_key` accepts any.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, api_key: str = "") -> None:
        self.api_key = api_key
        self.default = AmplitudeFault()
        self.events: deque[Json] = deque(maxlen=KEPT_EVENTS)
        self.requests: deque[Json] = deque(maxlen=KEPT_EVENTS)  # every body received, the refused ones too
        self._seen: set[str] = set()
        self._orders: deque[AmplitudeFault] = deque()
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._http = HttpServer(self._answer, host, port)

    @property
    def url(self) -> str:
        """The address that events are posted to, with its path."""
        return f"{self._http.url}{PATH}"

    def order(self, *faults: AmplitudeFault) -> None:
        """Apply these to the next requests, one each."""
        with self._changed:
            self._orders.extend(faults)

    def of(self, event_type: str) -> list[Json]:
        """Return the accepted events of one type, in order."""
        with self._changed:
            return [event for event in self.events if event["event_type"] == event_type]

    def wait(self, event_type: str, number: int = 1, timeout_s: float = 10) -> list[Json]:
        """Return the first events of this type once there are so many. Raises `AssertionError`."""
        ends_at = time.monotonic() + timeout_s
        with self._changed:
            while len(found := [event for event in self.events if event["event_type"] == event_type]) < number:
                left = ends_at - time.monotonic()
                types = [event["event_type"] for event in self.events]
                assert left > 0, f"{number} of {event_type} didn't come in {timeout_s} s; there are {types}"
                self._changed.wait(left)
            return found

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if (request.method, request.path) != ("POST", PATH):
            return HttpResponse(404, b"Not Found", "text/plain")
        with self._changed:
            fault = self._orders.popleft() if self._orders else self.default
        body = _read(request)
        with self._changed:
            self.requests.append(body)
            self._changed.notify_all()
        if fault.hang_s:
            self._released.wait(fault.hang_s)
        if fault.drop:
            raise Dropped
        if fault.not_json:
            return HttpResponse(fault.status, b"<html>Bad Gateway</html>", "text/html")
        answer = self._check(request, body) if fault.status == 200 else _ordered(fault.status, body)
        if answer["code"] == 200:
            self._keep(body["events"])
        return json_response(answer, answer["code"])

    def _check(self, request: HttpRequest, body: Json) -> Json:
        """Return the answer to a request; its `code` is the status."""
        events = body.get("events")
        if len(request.body) > LARGEST or (isinstance(events, list) and len(events) > MOST_EVENTS):
            return {"code": 413, "error": TOLD[413]}
        if request.content_type != "application/json":
            return _refused("Content-Type must be application/json")
        if not isinstance(body.get("api_key"), str):
            return _refused("Missing request body or API key", missing_field="api_key")
        if self.api_key and body["api_key"] != self.api_key:
            return _refused(f"Invalid API key: {body['api_key']}")
        if not isinstance(events, list) or not events:
            return _refused(TOLD[400], missing_field="events")
        shortest = (body.get("options") or {}).get("min_id_length", SHORTEST_ID)
        missing = [place for place, event in enumerate(events) if not event.get("event_type")]
        nobody = [place for place, event in enumerate(events) if not (event.get("user_id") or event.get("device_id"))]
        short = [place for place, event in enumerate(events) if 0 < len(event.get("user_id") or "") < shortest]
        if missing or nobody:
            fields = {"event_type": missing} if missing else {"user_id": nobody}
            return _refused("Request missing required field", events_with_missing_fields=fields)
        if short:
            told = f"Invalid id length for user_id or device_id: at least {shortest} characters are needed"
            return _refused(told, events_with_invalid_id_lengths={"user_id": short})
        now = int(time.time() * 1000)
        size = len(request.body)
        return {"code": 200, "events_ingested": len(events), "payload_size_bytes": size, "server_upload_time": now}

    def _keep(self, events: list[Json]) -> None:
        with self._changed:
            for event in events:
                insert_id = event.get("insert_id")
                if insert_id is None or insert_id not in self._seen:
                    self.events.append(event)
                self._seen.add(str(insert_id))
            self._changed.notify_all()

    def __enter__(self) -> AmplitudeServer:
        self._http.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._http.close()


def _read(request: HttpRequest) -> Json:
    try:
        body = json.loads(request.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refused(error: str, **more: Any) -> Json:
    return {"code": 400, "error": error, **more}


def _ordered(status: int, body: Json) -> Json:
    """Return an error in Amplitude's form."""
    answer: Json = {"code": status, "error": TOLD.get(status, "Internal error")}
    if status == 429:
        events = body.get("events", ())
        users = {event.get("user_id", ""): 31 for event in events}
        answer |= {"eps_threshold": 30, "throttled_users": users, "throttled_events": list(range(len(events)))}
    return answer
