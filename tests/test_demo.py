"""The demo starts the real bot on the stand-ins, keeps the outside out of it, and says why it ended."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from ai.catalog import Catalogue
from sandbox.demo import ROOT, BotProcess, bot_environment, choose_model
from sandbox.interrupts import interrupts_held
from sandbox.models import ModelServers
from sandbox.telegram import TelegramServer
from sandbox.terminal_texts import TEXTS, ending, texts_for


def _heed_interrupts() -> None:
    """Undo what a shell does to the processes that it starts in the background: they ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_the_demo_takes_another_port_when_its_own_is_taken_and_stops_on_interrupt(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "LOG_FILE": str(tmp_path / "log.txt"),
        "OPENAI_BASE_URL": "",
        "PYTHONUTF8": "1",
        "LC_ALL": "ru_RU.UTF-8",
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "sandbox", "--no-browser", "--port", str(port), "--data", str(tmp_path)]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8", preexec_fn=_heed_interrupts
        ) as demo:
            assert demo.stdout is not None
            assert f"Порт {port} занят" in demo.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", demo.stdout.readline())
            assert found is not None
            assert "<title>Соавтор" in requests.get(found.group(), timeout=10).content.decode()
            demo.send_signal(signal.SIGINT)
            assert demo.wait(30) == 0
    assert (tmp_path / "demo-chats.json").exists()


def test_a_bot_that_dies_leaves_its_last_lines_and_exit_code(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("print('нет места на диске')\nraise SystemExit(3)\n", "utf-8")
    bot = BotProcess({**os.environ, "PYTHONIOENCODING": "utf-8"}, tmp_path)
    assert bot.wait(10) == 3
    assert ending(TEXTS["ru"], 3, bot.last_lines) == "Бот остановился, код выхода 3.\nнет места на диске"
    bot.stop()


def test_the_bot_of_the_demo_gets_no_real_token_proxy_or_service(tmp_path: Path) -> None:
    given = {"TELEGRAM_TOKEN_FILE": "/run/token", "YANDEX_API_KEY": "real", "MODEL_SLOTS": "3"}
    environ = {"HTTPS_PROXY": "http://proxy:1", "PATH": "/bin"}
    with TelegramServer() as telegram, ModelServers() as models:
        model = choose_model(given, models)
        environment = bot_environment(given, environ, (telegram.token, telegram.url), model, tmp_path)
        assert (environment["TELEGRAM_TOKEN"], environment["TELEGRAM_API_URL"]) == (telegram.token, telegram.url)
        assert environment["YANDEX_LLM_URL"] == models.llm_url
        assert environment["WEBAPP_URL"] == f"http://127.0.0.1:{environment['WEBAPP_PORT']}"
        script = requests.get(environment["WEBAPP_SCRIPT_URL"], timeout=10)
    assert script.headers["Content-Type"].startswith("text/javascript") and "WebApp" in script.text
    assert model.notice["key"] == "notice_storyteller"
    assert environment["TELEGRAM_TOKEN_FILE"] == environment["WEBHOOK_URL"] == environment["AMPLITUDE_API_KEY"] == ""
    assert environment["YANDEX_API_KEY"] != "real"
    catalogue = Catalogue.load(ROOT / "ai" / "catalog.toml", Path(environment["MODELS_FILE"]))
    writer = catalogue.find(environment.get("YANDEX_MODEL") or "yandexgpt-lite")
    assert writer is not None and "storyteller" in writer.title and writer.price is not None
    assert "HTTPS_PROXY" not in environment
    assert environment["PATH"] == "/bin"


def test_a_given_openai_server_writes_instead_of_the_storyteller(tmp_path: Path) -> None:
    given = {"OPENAI_BASE_URL": "http://localhost:11434/v1", "OPENAI_MODEL": "llama", "YANDEX_FOLDER_ID": "b1g"}
    with TelegramServer() as telegram, ModelServers() as models:
        model = choose_model(given, models)
        environment = bot_environment(given, {}, (telegram.token, telegram.url), model, tmp_path)
    assert model.notice == {"key": "notice_model", "name": "llama (localhost:11434)"}
    assert (environment["MODEL_PROVIDER"], environment["OPENAI_MODEL"]) == ("openai", "llama")
    assert environment["YANDEX_FOLDER_ID"] == ""


def test_the_terminal_speaks_the_language_of_its_locale() -> None:
    assert TEXTS["ru"].keys() == TEXTS["en"].keys()
    assert texts_for({"LANG": "ru_RU.UTF-8"}) is TEXTS["ru"]
    assert texts_for({"LC_ALL": "C", "LANG": "ru_RU.UTF-8"}) is TEXTS["en"]
    assert texts_for({}) is TEXTS["en"]


def test_a_message_of_emoji_goes_out_in_pieces_that_telegram_takes() -> None:
    with TelegramServer() as telegram:
        anna = telegram.user(1, "Анна")
        anna.send("😀" * 4096)
        anna.send("я" + "😀" * 2048)
        texts = [message.text for message in anna.chat.messages.values()]
    assert texts == ["😀" * 2048, "😀" * 2048, "я" + "😀" * 2047, "😀"]


@pytest.mark.parametrize(("locale", "words"), [("ru_RU.UTF-8", "не установлен пакет"), ("C.UTF-8", "isn't installed")])
def test_the_demo_without_its_packages_says_in_a_sentence_how_to_start_it(locale: str, words: str) -> None:
    command = [sys.executable, "-S", "-m", "sandbox"]  # -S: without the environment's packages
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "LC_ALL": locale}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr and "make demo" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_the_bot_is_begun_waits_until_there_is_a_bot_to_stop(number: signal.Signals) -> None:
    begun, before = False, signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        os.kill(os.getpid(), number)
        begun = True
    assert begun and signal.getsignal(number) == before
