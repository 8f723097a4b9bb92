"""Соавтор: a Telegram bot that writes stories together with its users.

The command line: serve by default; `--check` tries the configuration, `--backup FILE` copies the database,
`--restore FILE` puts a copy back, `--health` asks a running bot how it is.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from core.allocator import restart_with_malloc_settings

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"The bot needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
if __name__ == "__main__":
    restart_with_malloc_settings(os.environ)
try:
    from app.application import App
    from app.builders import build_models, load_catalogue
    from app.http_clients import build_http_clients
    from app.self_check import check
    from config import Config, load_environment
    from conversation.localization import Locales
    from core import logs
    from core.errors import CoauthorError, ConfigError, StorageError
    from core.network import Network
    from database import back_up, folder_warning, restore
    from monitoring.health_client import ask
    from monitoring.systemd import Supervisor
    from telegram.api_client import BotApi
except ModuleNotFoundError as error:
    module = (error.name or "bot").partition(".")[0]
    if any(Path(__file__).parent.glob(f"{module}*")):
        raise  # a module of the bot itself
    print(
        f"The package of the module {module} isn't installed for this Python. "
        "Install what the bot needs by `make install`, then start it by `make run` or `.venv/bin/python bot.py`.",
        file=sys.stderr,
    )
    sys.exit(2)

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
EXIT_MAY_TAKE_S = 1.0  # after a stop: threads of Amplitude's SDK wait ten seconds for a silent server
CHECK_TIMEOUT_S = 30.0  # of a model's answer
STOP_MAY_TAKE_S = 24.5  # all of it; the process may end at any moment without losing anything
HOW_TO_BEGIN = (
    "No TELEGRAM_TOKEN is set. Try the bot without any key: make demo. "
    "For the real Telegram copy .env.example to .env and fill in the first lines."
)


def main(
    arguments: list[str] | None = None, environ: Mapping[str, str] | None = None, locales: Locales | None = None
) -> int:
    """Run the bot; return the process's exit code: 0 stopped, 1 it can't run, 2 not configured.

    `locales` are read from `locales/` unless they are given.
    """
    options = _options(arguments)
    environ = os.environ if environ is None else environ
    try:
        environment = load_environment(HERE, environ)
        config, network = _configuration(environment)
    except ConfigError as error:
        return _not_configured(error, options, environ)
    except StorageError as error:
        with _log(options, environ, "WARNING"):
            logs.event(log, logging.CRITICAL, "start_failed", error=str(error))
        return 1  # not 2, after which nobody starts the bot again
    if options.health:
        well, sentence = ask(config)
        print(sentence)
        return 0 if well else 1
    if options.backup is not None:
        return _back_up(config, options.backup, with_secrets=options.with_secrets)
    if options.restore is not None:
        return _restore(config, options.restore)
    secrets = (*config.secrets, *network.secrets)
    with logs.set_up(config.log_file, config.log_level, secrets, config.log_format, console_level="INFO"):
        logs.log_uncaught()
        for warning in config.warnings:
            logs.event(log, logging.WARNING, "configuration_warning", text=warning)
        try:
            if options.check:
                return _check(config, network)
            return _serve(config, network, locales)
        except CoauthorError as error:
            logs.event(log, logging.CRITICAL, "start_failed", error=str(error))
            return 1


def _configuration(environment: Mapping[str, str]) -> tuple[Config, Network]:
    """Read what the environment says. Raise ConfigError with all faults."""
    refused: ConfigError | None = None
    try:
        config = Config.from_env(environment)
        load_catalogue(config)  # its faults are the configuration's
    except ConfigError as error:
        refused = error
    try:
        network = Network.from_env(environment)
    except ConfigError as error:
        if refused is None:
            raise
        raise ConfigError((*refused.faults, *error.faults), no_token=refused.no_token) from error
    if refused is not None:
        raise refused
    return config, network


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bot.py", description="Соавтор: writes stories together with its user.")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="try token, model, database and log, then exit")
    only.add_argument("--backup", type=Path, metavar="FILE", help="copy the database to FILE, also while the bot runs")
    only.add_argument("--restore", type=Path, metavar="FILE", help="put a copy back; the old database stays beside it")
    only.add_argument("--health", action="store_true", help="ask the running bot how it is: 0 well, 1 not")
    parser.add_argument("--with-secrets", action="store_true", help="with --backup: also the key of forgotten users")
    parser.add_argument("--stay-down", action="store_true", help="exit with 0, not 2, if not configured; for Docker")
    options = parser.parse_args(arguments)
    if options.with_secrets and options.backup is None:
        parser.error("--with-secrets goes with --backup FILE")
    return options


def _log(options: argparse.Namespace, environ: Mapping[str, str], console_level: str) -> AbstractContextManager[object]:
    """Open the log of a bot whose configuration could not be read: LOG_FILE or log.txt.

    `--health`, `--backup` and `--restore` never open it, and log to stderr: it belongs to the bot, which may run, and
    they may be run by root.
    """
    if options.health or options.backup is not None or options.restore is not None:
        return nullcontext()
    return logs.set_up(Path(environ.get("LOG_FILE") or HERE / "log.txt"), console_level=console_level)


def _not_configured(error: ConfigError, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print and log the errors; return the exit code.

    Docker's policy `on-failure` knows no code but 0 after which a container stays stopped: `--stay-down` asks for it.
    """
    with _log(options, environ, "CRITICAL"):
        if error.no_token and len(error.faults) == 1:
            logs.event(log, logging.ERROR, "configuration_invalid", error="no TELEGRAM_TOKEN")
            logs.print_line(HOW_TO_BEGIN)
        else:
            logs.event(log, logging.ERROR, "configuration_invalid", error=" | ".join(error.faults))
            logs.print_line("The configuration has faults:")
            for fault in error.faults:
                logs.print_line(f"  {fault}")
        if options.stay_down:
            logs.print_line("The bot stays stopped until this is corrected and it is started again.")
    return 0 if options.stay_down else 2


def _back_up(config: Config, target: Path, *, with_secrets: bool) -> int:
    try:
        print(f"ok    backup: {back_up(config.database_path, target, with_secrets=with_secrets)}")
        warning = folder_warning(target.absolute().parent)
    except CoauthorError as error:
        print(f"FAIL  backup: {error}")
        return 1
    if warning:
        print(f"warn  backup: {warning}")
    return 0


def _restore(config: Config, source: Path) -> int:
    try:
        print(f"ok    restore: {restore(config.database_path, source)}")
    except CoauthorError as error:
        print(f"FAIL  restore: {error}")
        return 1
    return 0


def _check(config: Config, network: Network) -> int:
    http = build_http_clients(config, network)
    models = build_models(config=config, http=http.models, catalogue=load_catalogue(config), timeout_s=CHECK_TIMEOUT_S)
    api = BotApi(config.telegram_token, config.telegram_api_url, http.telegram)
    return 0 if check(config, http, api, models.gpt, models.registry, print) else 1


def _serve(config: Config, network: Network, locales: Locales | None) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    app = App(config, network, Supervisor.from_env(os.environ, os.getpid()), locales)
    app.start()
    logs.event(log, logging.INFO, "bot_started", provider=config.model_provider, slots=config.model_slots)
    while not stop.wait(0.5) and not app.fatal.is_set() and not app.halted.is_set():
        pass
    code = 1 if app.fatal.is_set() else 0
    _end_within(STOP_MAY_TAKE_S, code)
    app.stop()
    _end_within(EXIT_MAY_TAKE_S, code)
    return code


def _end_within(seconds: float, code: int) -> None:
    """End the process after that time, whatever still runs."""
    last = threading.Timer(seconds, os._exit, args=(code,))
    last.daemon = True
    last.start()


if __name__ == "__main__":
    sys.exit(main())
