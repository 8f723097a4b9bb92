"""Drive Firefox by Marionette and WebKitGTK by WebDriver: the same commands, which both have built in."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import requests

from tests.harness import until
from tests.real.processes import free_port, listens, running
from tests.real.software import SOFTWARE

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id in WebDriver


class _Wire(Protocol):
    """Carry one command of WebDriver: `POST path` and Marionette's name for it."""

    def __call__(self, method: str, path: str, name: str, given: Mapping[str, Any]) -> Any: ...


class Browser:
    """One window of a browser. Elements are named by CSS selectors; a command waits for its element."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def open(self, address: str) -> None:
        self._wire("POST", "/url", "Navigate", {"url": address})

    def resize(self, width: int, height: int) -> None:
        """Make the window as large as this, or as near to it as the browser allows."""
        self._wire("POST", "/window/rect", "SetWindowRect", {"width": width, "height": height})

    def run(self, script: str) -> Any:
        """Return what the body of a function returns in the page."""
        return self._wire("POST", "/execute/sync", "ExecuteScript", {"script": script, "args": []})

    def _element(self, selector: str) -> str:
        def look() -> str:
            found = self._wire("POST", "/elements", "FindElements", {"using": "css selector", "value": selector})
            return str(found[0][_ELEMENT]) if found else ""

        return until(look, 20)

    def click(self, selector: str) -> None:
        element = self._element(selector)
        self._wire("POST", f"/element/{element}/click", "ElementClick", {"id": element})

    def write(self, selector: str, text: str) -> None:
        element = self._element(selector)
        self._wire("POST", f"/element/{element}/value", "ElementSendKeys", {"id": element, "text": text})

    def screenshot(self, path: Path) -> None:
        shot = self._wire("GET", "/screenshot", "TakeScreenshot", {"full": False})
        path.write_bytes(base64.b64decode(shot))


# ---------------------------------------------------------------------- Firefox


class _Marionette:
    """Firefox's own protocol: JSON messages over TCP, each after its length."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._stream = self._socket.makefile("rb")
        self._read()  # its greeting
        self._asked = 0

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            assert byte, "Firefox has closed the connection"
            length += byte
        return json.loads(self._stream.read(int(length)))

    def __call__(self, method: str, path: str, name: str, given: Mapping[str, Any]) -> Any:
        self._asked += 1
        body = json.dumps([0, self._asked, f"WebDriver:{name}", given]).encode()
        self._socket.sendall(b"%d:%s" % (len(body), body))
        _, _, error, result = self._read()
        assert error is None, error
        return result["value"] if isinstance(result, dict) and set(result) == {"value"} else result

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


@contextmanager
def firefox(folder: Path) -> Iterator[Browser]:
    """Run Firefox without a screen and with a new profile."""
    port, profile = free_port(), folder / "profile"
    profile.mkdir()
    settings: dict[str, object] = {
        "marionette.port": port,
        "app.update.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "services.settings.server": "http://127.0.0.1:9",
        "intl.accept_languages": "ru",
    }
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings.items())
    (profile / "user.js").write_text("".join(lines))
    command = [SOFTWARE["firefox"].path, "--headless", "--marionette", "--no-remote", "--profile", profile]
    with running(command, folder / "firefox.log", lambda: listens(port), environment={"HOME": str(folder)}):
        wire = _Marionette(port)
        try:
            wire("POST", "/session", "NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
            yield Browser(wire)
        finally:
            wire.close()


# ---------------------------------------------------------------------- WebKitGTK


class _WebDriver:
    """WebDriver over HTTP."""

    def __init__(self, port: int) -> None:
        self._http = requests.Session()
        self._http.trust_env = False
        self._base = f"http://127.0.0.1:{port}"

    def start(self, capabilities: Mapping[str, Any]) -> None:
        made = self("POST", "/session", "NewSession", {"capabilities": {"alwaysMatch": capabilities}})
        self._base += f"/session/{made['sessionId']}"

    def __call__(self, method: str, path: str, name: str, given: Mapping[str, Any]) -> Any:
        body = json.dumps(given) if method == "POST" else None
        answer = self._http.request(method, self._base + path, data=body, timeout=60)
        value = answer.json()["value"]
        assert answer.ok, value
        return value

    def close(self) -> None:
        self._http.delete(self._base, timeout=30)
        self._http.close()


@contextmanager
def webkit(folder: Path) -> Iterator[Browser]:
    """Run WebKitGTK's MiniBrowser on a virtual screen."""
    port = free_port()
    with _screen(folder) as display:
        command = [SOFTWARE["webkit"].path, f"--port={port}"]
        around = {"DISPLAY": display, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "LIBGL_ALWAYS_SOFTWARE": "1"}
        home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        with running(command, folder / "webkit.log", lambda: listens(port), environment=around | home):
            wire = _WebDriver(port)
            wire.start({"acceptInsecureCerts": True})
            try:
                yield Browser(wire)
            finally:
                wire.close()


@contextmanager
def _screen(folder: Path) -> Iterator[str]:
    """Run Xvfb; yield the display that it has chosen."""
    chosen = folder / "display"
    with chosen.open("wb") as number, (folder / "xvfb.log").open("wb") as log:
        process = subprocess.Popen(
            [SOFTWARE["xvfb"].path, "-displayfd", "1", "-screen", "0", "800x900x24", "-nolisten", "tcp"],
            stdout=number,
            stderr=log,
        )
        try:
            yield f":{until(lambda: chosen.read_text().strip(), 20)}"
        finally:
            process.terminate()
            process.wait(10)
