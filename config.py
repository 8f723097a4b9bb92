"""The environment as one frozen `Config`; all errors are reported at once.

A setting is one field of `Config`: its name in capitals is the variable, and its line has the check, the default and a
hint where to get a value. `.env.example` says what each is for. A secret `X` may be given as `X_FILE`, the path of a
file that holds it. An empty value counts as unset. Whether a token or key works is checked by `bot.py --check`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.env_file import EnvFileError, parse_env_file
from core.env_parsers import (
    LOOPBACK,
    choice,
    file,
    key,
    matching,
    number,
    path,
    proxy,
    public_url,
    token,
    url,
    user_ids,
    whole,
    word,
)
from core.errors import ConfigError, raise_disk_failure
from core.network import passwords_in
from core.star_packs import MOST_STARS, StarPack, priced, star_packs

FILE_SUFFIX = "_FILE"
OPENAI_URL = "https://api.openai.com/v1"

_tokens = whole(1, 10**12)
_tokens_or_none = whole(0, 10**12)
_port = whole(0, 65535)
_folder = matching(r"[A-Za-z0-9_-]+", "it is not a folder id such as b1gabc…")
_contact = matching(r"\S(.{0,98}\S)?", "it must be 1 to 100 characters on one line: @name, an e-mail address or a link")
_telegram_secret = matching(r"[A-Za-z0-9_-]{1,256}", "it must be 1 to 256 characters of A-Z a-z 0-9 _ -")


def _setting(read: Callable[[str], object], default: object, hint: str = "") -> Any:
    return field(default=default, metadata={"read": read, "hint": hint, "masked": False})


def _secret(read: Callable[[str], object], default: object, hint: str = "") -> Any:
    return field(default=default, repr=False, metadata={"read": read, "hint": hint, "masked": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, checked by `from_env`. An empty string or None means off or unset."""

    telegram_token: str = _secret(token, MISSING, "Open @BotFather in Telegram, send /newbot and copy the token")
    telegram_api_url: str = _setting(url, "https://api.telegram.org")
    ip_family: str = _setting(choice("any", "4", "6"), "any")
    telegram_proxy: str = _secret(proxy, "", "Without it HTTPS_PROXY holds, if it is set; direct means no proxy")
    admin_ids: frozenset[int] = _setting(user_ids, frozenset(), "Ask @userinfobot for yours; commas between several")
    model_provider: str = _setting(choice("yandex", "openai"), "")  # never empty after `from_env`

    yandex_folder_id: str = _setting(_folder, "", "Copy it at console.yandex.cloud, on the folder's page")
    yandex_api_key: str = _secret(key, "", "Make one with `yc iam api-key create`")
    yandex_iam_token: str = _secret(key, "", "Get one with `yc iam create-token`")
    yandex_sa_key_file: Path | None = _setting(file, None, "Make it with `yc iam key create --output FILE`")
    yandex_oauth_token: str = _secret(key, "", "Yandex ends these by the end of 2026; set YANDEX_API_KEY instead")
    yandex_model: str = _setting(word, "yandexgpt-lite")
    yandex_llm_url: str = _setting(url, "https://llm.api.cloud.yandex.net")
    yandex_openai_url: str = _setting(url, "https://ai.api.cloud.yandex.net/v1")
    yandex_iam_url: str = _setting(url, "https://iam.api.cloud.yandex.net")
    yandex_metadata_url: str = _setting(url, "http://169.254.169.254")
    yandex_stt_url: str = _setting(url, "https://stt.api.cloud.yandex.net")
    yandex_tts_url: str = _setting(url, "https://tts.api.cloud.yandex.net")

    openai_api_key: str = _secret(key, "", "Make one at platform.openai.com, or ask whoever runs your server")
    openai_base_url: str = _setting(url, OPENAI_URL, "For Ollama it is http://localhost:11434/v1")
    openai_model: str = _setting(word, "")
    openai_context_tokens: int = _setting(_tokens, 8192)
    models_file: Path | None = _setting(file, None, "It has the form of ai/catalog.toml")

    model_proxy: str = _secret(proxy, "", "Without it HTTPS_PROXY holds, if it is set; direct means no proxy")
    model_slots: int = _setting(whole(1, 1000), 8)
    model_timeout_s: float = _setting(number(1, 3600), 120.0)

    max_users: int = _setting(_tokens_or_none, 1000)
    max_sessions_per_user: int = _setting(_tokens, 100)
    max_tokens_per_session: int = _setting(_tokens, 100_000)
    max_tokens_per_request: int = _setting(_tokens, 3000)
    max_tokens_per_answer: int = _setting(_tokens, 800)
    user_tokens: int = _setting(_tokens_or_none, 30_000)
    user_tokens_per_day: int = _setting(_tokens_or_none, 0)
    max_project_tokens: int = _setting(_tokens_or_none, 1_000_000)
    max_project_tokens_period: str = _setting(choice("ever", "month"), "ever")
    image_tokens: int = _setting(_tokens_or_none, 2000)
    stt_tokens_per_15s: int = _setting(_tokens_or_none, 200)
    tts_tokens_per_1000: int = _setting(_tokens_or_none, 500)

    stars_per_1000_tokens: float = _setting(number(0, MOST_STARS), 0.0)
    stars_packs: tuple[StarPack, ...] = _setting(star_packs, star_packs("50000, 200000, 500000"))
    support_contact: str = _setting(_contact, "", "Name whom buyers can write to: @name, an e-mail address or a link")

    telegram_messages_per_s: int = _setting(whole(0, 1000), 30)
    telegram_chat_interval_s: float = _setting(number(0, 60), 1.0)
    telegram_group_per_min: int = _setting(whole(0, 1000), 20)
    streaming: str = _setting(choice("draft", "edit", "off"), "draft")

    guests: str = _setting(choice("on", "off"), "on")
    shelf: str = _setting(choice("off", "on"), "off")

    webapp_url: str = _setting(public_url, "")
    webapp_host: str = _setting(word, "127.0.0.1")
    webapp_port: int = _setting(_port, 8080)  # 0: any free one
    webapp_script_url: str = _setting(url, "https://telegram.org/js/telegram-web-app.js")
    webhook_url: str = _setting(public_url, "")
    webhook_secret: str = _secret(_telegram_secret, "", "Make one with `openssl rand -hex 32`")

    metrics_host: str = _setting(word, "127.0.0.1")
    metrics_port: int | None = _setting(_port, None)  # 0: any free one
    log_format: str = _setting(choice("text", "json"), "text")
    amplitude_api_key: str = _secret(key, "", "Copy it from the project's settings at amplitude.com")
    amplitude_url: str = _setting(url, "")

    database_path: Path = _setting(path, Path("data/bot.db"))
    log_file: Path = _setting(path, Path("log.txt"))
    log_level: str = _setting(choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")

    warnings: tuple[str, ...] = ()  # sentences for the log about settings that look wrong
    given: frozenset[str] = field(default=frozenset(), compare=False)  # fields whose settings are set

    @classmethod
    def from_env(cls, mapping: Mapping[str, str]) -> Config:
        """Read the configuration from `mapping` and the files that its `X_FILE` variables name.

        Raises `ConfigError` with all errors, each naming its variable. Its `no_token` is true if no token is set; if
        that is the only error, this is a first start.
        """
        values: dict[str, Any] = {}
        faults: list[str] = []
        broken: set[str] = set()
        for item in fields(cls):
            if "read" not in item.metadata:
                continue
            try:
                text = _given(mapping, item.name.upper(), secret=item.metadata["masked"])
                if text:
                    values[item.name] = item.metadata["read"](text)
            except ValueError as error:
                broken.add(item.name.upper())
                faults.append(f"{item.name.upper()}: {error}. {_hint(item.name)}".rstrip())
        values.setdefault("telegram_token", "")
        no_token = not values["telegram_token"] and "TELEGRAM_TOKEN" not in broken
        if no_token:
            faults.insert(0, f"TELEGRAM_TOKEN: it is not set. {_hint('telegram_token')}")
        given = frozenset(values)
        values.setdefault("model_provider", _provider(values))
        config = cls(**values, warnings=tuple(_warnings(mapping, values)), given=given)
        faults += [sentence for names, sentence in _conflicts(config) if broken.isdisjoint(names)]
        if faults:
            raise ConfigError(faults, no_token=no_token)
        return config

    @property
    def has_yandex(self) -> bool:
        """Whether Yandex models can be asked."""
        return bool(self.yandex_folder_id)

    @property
    def has_openai(self) -> bool:
        """Whether OpenAI or a compatible server can be asked."""
        named = bool(self.openai_api_key) or self.openai_base_url != OPENAI_URL
        return named or self.model_provider == "openai"

    @property
    def packs(self) -> tuple[StarPack, ...]:
        """The packs that are sold for Telegram Stars, priced; none unless `STARS_PER_1000_TOKENS` is set."""
        rate = self.stars_per_1000_tokens
        return tuple(priced(pack, rate) for pack in self.stars_packs) if rate else ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """All values that must be masked wherever they would be shown."""
        addresses = [item.name for item in fields(self) if item.name.endswith(("_url", "_proxy"))]
        secret = [item.name for item in fields(self) if item.metadata.get("masked") and item.name not in addresses]
        passwords = [password for name in addresses for password in passwords_in(getattr(self, name))]
        return tuple(dict.fromkeys(value for value in (*(getattr(self, name) for name in secret), *passwords) if value))


def names() -> tuple[str, ...]:
    """Return the variables of all settings, without their `_FILE` forms."""
    return tuple(item.name.upper() for item in fields(Config) if "read" in item.metadata)


def load_environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the `.env` file of `folder`, if there is one, overridden by `environ`.

    An empty variable in `environ` hides the file's value: that switches a setting off for one run. Raises `ConfigError`
    if the file, or a line of it, can't be read, and `StorageError` if the disk fails.
    """
    env_file = folder / ".env"
    try:
        return parse_env_file(env_file.read_bytes()) | dict(environ)
    except FileNotFoundError:
        return dict(environ)
    except EnvFileError as error:
        raise ConfigError([f"{env_file}, {fault}" for fault in error.faults]) from None
    except OSError as error:
        raise_disk_failure(env_file, error)
        raise ConfigError([f"{env_file}: it can't be read ({error.strerror}). Fix that or remove the file."]) from error


def _given(mapping: Mapping[str, str], name: str, *, secret: bool) -> str:
    """Return a setting's value, from its variable or its `_FILE` variable; empty if unset."""
    text = mapping.get(name, "").strip()
    file_name = name + FILE_SUFFIX
    secret_file = mapping.get(file_name, "").strip() if secret else ""
    if not secret_file:
        return text
    if text:
        raise ValueError(f"{file_name} is set too; keep one of them")
    try:
        text = path(secret_file).read_text("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError(f"{file_name} names {secret_file}, which is not UTF-8 text") from None
    except OSError as error:
        raise_disk_failure(path(secret_file), error)
        raise ValueError(f"{file_name} names {secret_file}, which can't be read ({error.strerror})") from error
    if not text:
        raise ValueError(f"{file_name} names {secret_file}, which is empty")
    return text


def _provider(values: Mapping[str, object]) -> str:
    if "yandex_folder_id" in values:
        return "yandex"
    return "openai" if "openai_base_url" in values or "openai_api_key" in values else ""


def _conflicts(config: Config) -> Iterator[tuple[set[str], str]]:
    """Yield contradictions between settings: the variables and a sentence."""
    keys = (config.yandex_api_key, config.yandex_iam_token, config.yandex_sa_key_file, config.yandex_oauth_token)
    if not config.yandex_folder_id and (config.model_provider == "yandex" or (not config.model_provider and any(keys))):
        sentence = f"YANDEX_FOLDER_ID: it is not set, but YandexGPT needs it. {_hint('yandex_folder_id')}"
        yield {"YANDEX_FOLDER_ID", "MODEL_PROVIDER"}, sentence
    elif not config.model_provider and config.telegram_token:  # at a first start the missing token is enough to report
        yield (
            {"YANDEX_FOLDER_ID", "MODEL_PROVIDER", "OPENAI_BASE_URL", "OPENAI_API_KEY"},
            "MODEL_PROVIDER: no model is set. For YandexGPT set YANDEX_FOLDER_ID and YANDEX_API_KEY, "
            "for OpenAI set OPENAI_API_KEY, for your own server OPENAI_BASE_URL.",
        )
    request, answer = config.max_tokens_per_request, config.max_tokens_per_answer
    both = {"MAX_TOKENS_PER_REQUEST", "MAX_TOKENS_PER_ANSWER"}
    if answer >= request:
        yield both, f"MAX_TOKENS_PER_ANSWER: {answer} is not less than MAX_TOKENS_PER_REQUEST, {request}. Lower it."
    for name, held in (
        ("MAX_TOKENS_PER_SESSION", config.max_tokens_per_session),
        (
            "OPENAI_CONTEXT_TOKENS",
            config.openai_context_tokens if config.model_provider == "openai" else request + answer,
        ),
    ):
        if held < request + answer:
            sentence = f"{name}: {held} is less than MAX_TOKENS_PER_REQUEST and MAX_TOKENS_PER_ANSWER together"
            yield both | {name}, f"{sentence}, {request + answer}. Raise it, or lower the other two."
    if config.openai_api_key and "@" in urlsplit(config.openai_base_url).netloc:
        sentence = "OPENAI_BASE_URL: it holds a name and a password, and OPENAI_API_KEY is set too. Keep one of them."
        yield {"OPENAI_BASE_URL", "OPENAI_API_KEY"}, sentence
    yield from _payment_conflicts(config)
    if config.shelf == "on" and not config.admin_ids:
        sentence = "SHELF: it is on, but ADMIN_IDS is not set, and nobody could look at reported stories"
        yield {"SHELF", "ADMIN_IDS"}, f"{sentence}. {_hint('admin_ids')}"
    if config.webhook_url and not config.webhook_secret:
        sentence = f"WEBHOOK_SECRET: it is not set, but WEBHOOK_URL needs it. {_hint('webhook_secret')}"
        yield {"WEBHOOK_SECRET", "WEBHOOK_URL"}, sentence


def _payment_conflicts(config: Config) -> Iterator[tuple[set[str], str]]:
    both = {"STARS_PER_1000_TOKENS", "STARS_PACKS"}
    for pack in config.packs:
        if pack.stars > MOST_STARS:
            sentence = (
                f"STARS_PACKS: {pack.tokens} tokens cost {pack.stars} Stars, and Telegram takes {MOST_STARS} at most"
            )
            yield both, f"{sentence}. Make the pack smaller or cheaper."
    if config.packs and not config.support_contact:
        sentence = "SUPPORT_CONTACT: it is not set, but Telegram demands of whoever sells that buyers can reach them"
        yield both | {"SUPPORT_CONTACT"}, f"{sentence}. {_hint('support_contact')}"


def _warnings(mapping: Mapping[str, str], values: Mapping[str, object]) -> Iterator[str]:
    known = [name + suffix for name in names() for suffix in ("", FILE_SUFFIX)]
    for name in (name for name in mapping if name not in known):
        if close := difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.86):
            yield f"{name} is not a setting and is ignored. Did you mean {close[0]}?"
    if mapping.get("container"):  # our image sets it, and so do podman and systemd-nspawn
        yield from _addresses_inside(values)
    if "yandex_oauth_token" in values:
        yield f"YANDEX_OAUTH_TOKEN: {_hint('yandex_oauth_token')}"


def _addresses_inside(values: Mapping[str, object]) -> Iterator[str]:
    """Yield a warning for each service that is looked for inside the container itself."""
    for name in ("openai_base_url", "telegram_api_url"):
        address = urlsplit(str(values.get(name, "")))
        if address.hostname in LOOPBACK:
            port = f":{address.port}" if address.port else ""
            yield (
                f"{name.upper()}: {address.hostname} is this container itself. A server on its host is at "
                f"{address.scheme}://host.docker.internal{port}{address.path}, and must not listen on its own "
                "localhost only (Ollama: OLLAMA_HOST=0.0.0.0)."
            )


def _hint(name: str) -> str:
    hint = next(str(item.metadata["hint"]) for item in fields(Config) if item.name == name)
    return f"{hint}." if hint else ""
