"""Run the demo (`python -m sandbox`): stand-ins, the real `bot.py`, and a chat page in the browser.

Ctrl+C stops it all in order. Chats and the bot's database stay in `data/`, so the next start goes on from there.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import webbrowser
from pathlib import Path
from types import FrameType

from config import load_environment
from core.errors import ConfigError
from sandbox.demo import CHATS, ROOT, BotProcess, bot_environment, choose_model, ending
from sandbox.models import LIVELY, ModelServers
from sandbox.telegram import TelegramServer
from sandbox.telegram_store import Store

HOST = "127.0.0.1"
PORT = 8070
WARNING_S = 0.5  # for open pages to show the last message


def main() -> int:
    """Run the demo until it ends or Ctrl+C; return the exit code, 2 for wrong settings."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Бот на этом компьютере, с чатом в браузере")
    parser.add_argument("--port", type=int, default=PORT, help=f"порт страницы (обычно {PORT})")
    parser.add_argument("--no-browser", action="store_true", help="не открывать браузер")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="папка для переписки и базы демо")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        given = load_environment(ROOT, os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        return run(given, options.port, options.data, browser=not options.no_browser)
    except KeyboardInterrupt:
        print("\nОстановлено.")
        return 0


def run(given: dict[str, str], port: int, data: Path, *, browser: bool) -> int:
    """Run the demo until Ctrl+C or the bot's end; return the exit code."""
    with ModelServers(HOST, 0, default=LIVELY) as models:
        model = choose_model(given, models)
        with _telegram(port, model.notice) as telegram:
            telegram.record_calls = False
            store = Store(telegram.state, data / CHATS)
            if not store.load():
                telegram.user(1, "Анна", "anna")
                telegram.user(2, "Борис", "boris")
                telegram.user(3, "Emma", "emma", "en")
            store.start()
            bot = BotProcess(bot_environment(given, os.environ, telegram, model, data.resolve()))
            try:
                print(f"Откройте {telegram.url}  (Ctrl+C — остановить)", flush=True)
                if browser and _has_screen():
                    webbrowser.open(telegram.url)
                while (code := bot.wait(1)) is None:
                    continue
                telegram.page.warn(ending(code, ""))
                print(ending(code, bot.last_lines), file=sys.stderr)
                time.sleep(WARNING_S)
                return 1 if code else 0
            finally:
                bot.stop()
                store.close()


def _telegram(port: int, notice: str) -> TelegramServer:
    """Return a server at the wanted port, or at a free one if that is taken."""
    try:
        return TelegramServer(HOST, port, notice=notice)
    except OSError:
        server = TelegramServer(HOST, 0, notice=notice)
        print(f"Порт {port} занят, взят {server.port}.")
        return server


def _has_screen() -> bool:
    """Return whether there is a desktop to open a browser on; a text browser would take over the terminal."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
