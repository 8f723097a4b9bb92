"""What the demo prints in the terminal, in the language of its locale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

TEXTS = {
    "ru": {
        "description": "Бот на этом компьютере, с чатом в браузере",
        "port": "порт страницы (обычно {port})",
        "no_browser": "не открывать браузер",
        "topics": "включить темы в личных чатах, как в @BotFather",
        "data": "папка для переписки и базы демо",
        "open": "Откройте {url}  (Ctrl+C — остановить)",
        "storyteller": "Пишет встроенный рассказчик, не нейросеть. Настоящую модель выберите на странице: «Модель».",
        "found": "На этом компьютере отвечает {name}: её модели тоже есть в списке «Модель».",
        "model": "Пишет модель {name}. Другую выберите на странице: «Модель».",
        "port_taken": "Порт {port} занят, взят {free}.",
        "stopped": "Остановлено.",
        "bot_ended": "Бот остановлен.",
        "bot_failed": "Бот остановился, код выхода {code}.",
        "no_package": "Для этого Python не установлен пакет с модулем {module}. Запустите демо командой `make demo`: "
        "она поставит нужное в .venv.",
        "silent": "(он ничего не напечатал; подробности в log.txt)",
    },
    "en": {
        "description": "The bot on this computer, with a chat in the browser",
        "port": "port of the page (usually {port})",
        "no_browser": "don't open a browser",
        "topics": "switch topics in private chats on, as in @BotFather",
        "data": "folder for the demo's chats and database",
        "open": "Open {url}  (Ctrl+C stops it)",
        "storyteller": "The built-in storyteller writes, which is no AI. Choose a real model on the page: “Model”.",
        "found": "{name} answers on this computer: its models are in the list “Model”, too.",
        "model": "The model {name} writes. Choose another on the page: “Model”.",
        "port_taken": "Port {port} is taken, using {free}.",
        "stopped": "Stopped.",
        "bot_ended": "The bot has stopped.",
        "bot_failed": "The bot has stopped with exit code {code}.",
        "no_package": "The package of the module {module} isn't installed for this Python. Start the demo by "
        "`make demo`, which installs what it needs into .venv.",
        "silent": "(it printed nothing; see log.txt)",
    },
}


def texts_for(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the texts for the terminal's locale: Russian where it says so, else English."""
    locale = next(filter(None, (environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return TEXTS["ru" if locale.lower().startswith("ru") else "en"]


def ending(texts: Mapping[str, str], code: int, last_lines: str) -> str:
    """Return what is said when the bot ended by itself."""
    if code == 0:
        return texts["bot_ended"]
    return f"{texts['bot_failed'].format(code=code)}\n{last_lines or texts['silent']}"


def missing_package(error: ModuleNotFoundError, root: Path) -> str | None:
    """Return the module that isn't installed; None if it is one of the project's own, which `root` holds."""
    module = (error.name or "sandbox").partition(".")[0]
    return None if any(root.glob(f"{module}*")) else module
