"""The bot with a handler that takes the whole process down: run by the tests of crashes, never by anything else.

    python -m tests.poisoned_bot     # the configuration is read from the environment, as by bot.py

Whoever writes `DEADLY` kills the process inside the handler of that message, as a crash of the interpreter would.
"""

from __future__ import annotations

import os
import threading

from app.application import App
from config import Config
from core import logs

DEADLY = "смертельно"
DEATH = 86


def main() -> None:
    config = Config.from_env(os.environ)
    logs.set_up(config.log_file, config.log_level, config.secrets)
    app = App(config)
    app.bot.register_message_handler(lambda _: os._exit(DEATH), func=lambda message: message.text == DEADLY)
    app.bot.message_handlers.insert(0, app.bot.message_handlers.pop())  # asked before the bot's own
    app.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
