"""What a visitor of the demo's page may ask of the demo itself: another model, or a clean page.

The page's threads ask; the demo's main thread carries it out, since only it may end and start the bot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from sandbox import model_choice
from sandbox.model_choice import LOCAL_SERVERS, CheckResult, Choice, LocalServer, find_local_servers

Wish = Literal["", "model", "clear"]


class DemoControls:
    """The demo's model and the visitor's last wish.

    `environment` is the bot's, for a choice; `servers` are the names and ports to look for on this machine.
    """

    def __init__(
        self,
        folder: Path,
        environment: Callable[[Choice], Mapping[str, str]],
        servers: tuple[tuple[str, int], ...] = LOCAL_SERVERS,
    ) -> None:
        self._servers = servers
        self._folder = folder
        self._environment = environment
        self._choice = model_choice.load(folder)
        self._wish: Wish = ""
        self._changed = threading.Condition()
        self._checking = threading.Lock()

    @property
    def choice(self) -> Choice | None:
        """The model chosen on the page; None until somebody has."""
        return self._choice

    def local_servers(self) -> list[LocalServer]:
        """Return the servers that answer on this machine now."""
        return find_local_servers(self._servers)

    def menu(self) -> dict[str, Any]:
        """Return what the page's dialog shows: the choice without its key, and the servers on this machine."""
        shown = (self._choice or Choice()).shown
        servers = [
            {"name": server.name, "address": server.address, "models": list(server.models)}
            for server in self.local_servers()
        ]
        return {"choice": shown, "servers": servers}

    def choose(self, values: Mapping[str, object]) -> CheckResult:
        """Check a choice and, if its model answers, keep it and have the bot start anew with it.

        An empty key keeps the one of the last choice if address or folder are the same.
        """
        with self._checking:
            try:
                choice = Choice.read(self._with_kept_key(values))
            except ValueError as error:
                return CheckResult("incomplete", str(error))
            result = CheckResult() if choice.kind == "storyteller" else model_choice.check(self._environment(choice))
            if not result.reason:
                model_choice.save(self._folder, choice)
                self._choice = choice
                self._ask("model")
            return result

    def clear(self) -> None:
        """Ask for a clean page: no chats, no stories, the same model."""
        self._ask("clear")

    def take_wish(self, timeout_s: float) -> Wish:
        """Wait for a wish; empty if there is none within the time."""
        with self._changed:
            if not self._wish:
                self._changed.wait(timeout_s)
            wish, self._wish = self._wish, ""
            return wish

    def _ask(self, wish: Wish) -> None:
        with self._changed:
            self._wish = wish
            self._changed.notify_all()

    def _with_kept_key(self, values: Mapping[str, object]) -> Mapping[str, object]:
        kept = self._choice
        if values.get("key") or kept is None:
            return values
        same = all(str(values.get(name) or "").strip() == getattr(kept, name) for name in ("kind", "address", "folder"))
        return {**values, "key": kept.key} if same else values
