"""`python -m sandbox`: the whole thing on this machine: stand-ins, the real `bot.py`, and a chat page in the browser.

Ctrl+C stops it all in order. Chats and the bot's database stay in `data/`, so the next start goes on from there.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from sandbox.terminal_texts import ending, missing_package, texts_for

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"The demo needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
try:
    from config import load_environment
    from core.errors import CoauthorError
    from sandbox.demo import ADMIN_IDS, CHATS, ROOT, BotProcess, bot_environment, choose_model, clear
    from sandbox.demo_controls import DemoControls
    from sandbox.interrupts import interrupts_held
    from sandbox.model_choice import Choice
    from sandbox.models import LIVELY, ModelServers
    from sandbox.page_api import Around
    from sandbox.telegram import TelegramServer
    from sandbox.telegram_store import Store
except ModuleNotFoundError as error:
    if (module := missing_package(error, Path(__file__).parent.parent)) is None:
        raise  # a module of the demo itself
    print(texts_for(os.environ)["no_package"].format(module=module), file=sys.stderr)
    sys.exit(2)

HOST = "127.0.0.1"
PORT = 8070
NOBODY = ("1:" + "0" * 35, f"http://{HOST}:9")  # a token and an address: the check of a model needs no Telegram
VARIANTS = 1000  # to begin with at a start: what was told before the last one is not told again
WARNING_S = 0.5  # for open pages to get the last word


def main() -> int:
    """Run the demo until it ends or Ctrl+C; return the exit code, 2 if the settings are no good."""
    texts = texts_for(os.environ)
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=texts["description"])
    parser.add_argument("--port", type=int, default=PORT, help=texts["port"].format(port=PORT))
    parser.add_argument("--no-browser", action="store_true", help=texts["no_browser"])
    parser.add_argument("--data", type=Path, default=ROOT / "data", help=texts["data"])
    parser.add_argument("--topics", action="store_true", help=texts["topics"])
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        given = load_environment(ROOT, os.environ)
    except CoauthorError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with ModelServers(HOST, 0, default=LIVELY, first_variant=int(time.time()) % VARIANTS) as models:
            return Demo(given, models, options.data.resolve(), texts, options.topics).run(
                options.port, not options.no_browser
            )
    except KeyboardInterrupt:
        print(f"\n{texts['stopped']}")
        return 0


@dataclass(frozen=True, slots=True)
class Demo:
    """The stand-ins, the bot and the page. `given` are the settings of `.env` and the environment."""

    given: dict[str, str]
    models: ModelServers
    data: Path
    texts: Mapping[str, str]
    topics: bool = False  # whether the bot has topics in private chats

    def run(self, port: int, browser: bool) -> int:
        """Serve until Ctrl+C or the bot's end, with a clean page as often as a visitor asks for one."""
        controls = DemoControls(self.data, lambda choice: self._environment(NOBODY, choice))
        while True:
            with self._telegram(port, controls) as telegram:
                code = self._serve(telegram, controls, browser)
            if code is not None:
                return code
            clear(self.data)
            port, browser = telegram.port, False

    def _serve(self, telegram: TelegramServer, controls: DemoControls, browser: bool) -> int | None:
        """Serve one page; return the exit code, or None when a visitor asks for a clean page."""
        telegram.record_calls, telegram.api.has_topics = False, self.topics
        store = Store(telegram.state, self.data / CHATS)
        if not store.load():
            telegram.user(1, "Анна", "anna")
            telegram.user(2, "Борис", "boris")
            telegram.user(3, "Emma", "emma", "en")
        store.start()
        try:
            print(self.texts["open"].format(url=telegram.url), flush=True)
            if browser and _has_screen():
                webbrowser.open(telegram.url)
            while True:
                outcome = self._run_bot(telegram, controls)
                if outcome != "model":
                    return None if outcome == "clear" else int(outcome)
        finally:
            store.close()

    def _run_bot(self, telegram: TelegramServer, controls: DemoControls) -> str | int:
        """Run the bot until a visitor's wish, which is returned, or its own end: then the exit code."""
        model = choose_model(self.given, self.models, controls.choice)
        telegram.page.set_notice(model.notice)
        print(self.texts["model" if model.name else "storyteller"].format(name=model.name), flush=True)
        if not model.name:
            for server in controls.local_servers():
                print(self.texts["found"].format(name=server.name), flush=True)
        environment = self._environment((telegram.token, telegram.url), controls.choice)
        bot: BotProcess | None = None
        try:
            with interrupts_held():  # a process that is begun is stopped below
                bot = BotProcess(environment)
            while (code := bot.wait(0)) is None:
                if wish := controls.take_wish(1):
                    return wish
            telegram.page.warn(code)
            print(ending(self.texts, code, bot.last_lines), file=sys.stderr)
            time.sleep(WARNING_S)
            return 1 if code else 0
        finally:
            if bot is not None:
                bot.stop()

    def _environment(self, telegram: tuple[str, str], choice: Choice | None) -> dict[str, str]:
        model = choose_model(self.given, self.models, choice)
        return bot_environment(self.given, os.environ, telegram, model, self.data)

    def _telegram(self, port: int, controls: DemoControls) -> TelegramServer:
        """At the wanted port, or at a free one when that is taken."""
        around = Around(controls, ADMIN_IDS)
        try:
            return TelegramServer(HOST, port, around=around)
        except OSError:
            server = TelegramServer(HOST, 0, around=around)
            print(self.texts["port_taken"].format(port=port, free=server.port))
            return server


def _has_screen() -> bool:
    """Whether there is a desktop to open a browser on; a text browser would take the terminal over."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
