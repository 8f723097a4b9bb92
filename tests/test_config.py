"""Configuration: what is accepted, what is refused and with which words, and what the files beside it list."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from config import Config, load_environment, names
from core.errors import ConfigError, StorageError

ROOT = Path(__file__).parent.parent
TOKEN = "123456:" + "Aa0_-" * 7
ENOUGH = {"TELEGRAM_TOKEN": TOKEN, "YANDEX_FOLDER_ID": "b1gfolder"}
SECRETS = (
    "TELEGRAM_TOKEN",
    "YANDEX_API_KEY",
    "YANDEX_IAM_TOKEN",
    "YANDEX_OAUTH_TOKEN",
    "OPENAI_API_KEY",
    "WEBHOOK_SECRET",
    "AMPLITUDE_API_KEY",
)


def faults_of(mapping: Mapping[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        Config.from_env(mapping)
    return refused.value.faults


def test_a_token_and_a_folder_are_enough_and_the_rest_has_the_documented_defaults() -> None:
    config = Config.from_env(ENOUGH)
    assert (config.telegram_token, config.model_provider) == (TOKEN, "yandex")
    assert (config.telegram_api_url, config.yandex_model) == ("https://api.telegram.org", "yandexgpt-lite")
    assert (config.model_slots, config.model_timeout_s, config.openai_context_tokens) == (8, 120, 8192)
    assert (config.max_users, config.max_sessions_per_user, config.max_tokens_per_session) == (1000, 100, 100_000)
    assert (config.max_tokens_per_request, config.max_tokens_per_answer) == (3000, 800)
    assert (config.user_tokens, config.user_tokens_per_day, config.max_project_tokens) == (30_000, 0, 1_000_000)
    assert (config.telegram_messages_per_s, config.telegram_chat_interval_s, config.telegram_group_per_min) == (
        30,
        1,
        20,
    )
    assert (config.database_path, config.log_file, config.log_level) == (Path("data/bot.db"), Path("log.txt"), "INFO")
    assert (config.metrics_port, config.webapp_port, config.admin_ids, config.warnings) == (None, 8080, frozenset(), ())


@pytest.mark.parametrize(
    ("given_too", "provider"),
    [
        ({}, "yandex"),
        ({"OPENAI_BASE_URL": "http://localhost:11434/v1"}, "yandex"),
        ({"MODEL_PROVIDER": "OpenAI"}, "openai"),
        ({"YANDEX_FOLDER_ID": "", "OPENAI_BASE_URL": "http://localhost:11434/v1"}, "openai"),
        ({"YANDEX_FOLDER_ID": "", "OPENAI_API_KEY": "sk-something"}, "openai"),
    ],
)
def test_the_provider_follows_from_what_is_set(given_too: dict[str, str], provider: str) -> None:
    assert Config.from_env(ENOUGH | given_too).model_provider == provider


def test_nothing_set_is_one_fault_that_marks_a_first_start() -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_env({})
    (fault,) = refused.value.faults
    assert fault.startswith("TELEGRAM_TOKEN: it is not set.")
    assert "@BotFather" in fault
    assert refused.value.no_token


def test_all_faults_come_at_once_each_naming_its_variable() -> None:
    wrong = {
        "TELEGRAM_TOKEN": "not-a-token",
        "TELEGRAM_API_URL": "api.telegram.org",
        "ADMIN_IDS": "5, me",
        "MODEL_PROVIDER": "acme",
        "YANDEX_SA_KEY_FILE": "/nowhere/key.json",
        "MODEL_SLOTS": "0",
        "MODEL_TIMEOUT_S": "nan",
        "MAX_TOKENS_PER_ANSWER": "1e3",
        "WEBAPP_URL": "http://example.org",
        "WEBAPP_PORT": "70000",
        "WEBHOOK_SECRET": "a b",
        "OPENAI_BASE_URL": "https://host:port/v1",
        "LOG_FORMAT": "xml",
    }
    faults = faults_of(wrong)
    assert {fault.partition(":")[0] for fault in faults} == set(wrong)
    assert len(faults) == len(wrong)


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads every file")
def test_a_key_file_that_only_root_reads_is_a_fault_that_says_so(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    (folder / "key.json").write_text("{}")
    (folder / "key.json").chmod(0)
    (folder / "closed").mkdir(mode=0)
    program = (
        "import sys; from core.env_parsers import file\n"
        "for text in sys.argv[1:]:\n"
        "    try: file(text)\n"
        "    except ValueError as error: print(error)"
    )
    as_nobody = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups"] if os.geteuid() == 0 else []
    paths = [str(folder / "key.json"), str(folder / "closed" / "key.json")]
    try:
        done = subprocess.run(
            [*as_nobody, "python3", "-c", program, *paths],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        shutil.rmtree(folder)
    assert done.stdout.splitlines() == [f"{path} can't be read (Permission denied)" for path in paths], done.stderr


def test_both_vendors_may_be_configured_and_the_provider_is_the_default_ones() -> None:
    yandex = {"TELEGRAM_TOKEN": TOKEN, "YANDEX_FOLDER_ID": "b1g"}
    assert [Config.from_env(yandex).has_yandex, Config.from_env(yandex).has_openai] == [True, False]
    for more in ({"OPENAI_API_KEY": "sk-x"}, {"OPENAI_BASE_URL": "http://localhost:11434/v1"}):
        both = Config.from_env(yandex | more)
        assert both.has_yandex and both.has_openai and both.model_provider == "yandex"
        assert Config.from_env(yandex | more | {"MODEL_PROVIDER": "openai"}).model_provider == "openai"


def test_a_folder_of_nobodys_home_is_a_fault() -> None:
    (fault,) = faults_of(ENOUGH | {"DATABASE_PATH": "~nobody-here/bot.db"})
    assert fault.startswith("DATABASE_PATH: there is no home folder")


def test_no_model_is_a_fault_that_names_the_ways_to_one() -> None:
    (fault,) = faults_of({"TELEGRAM_TOKEN": TOKEN})
    assert all(name in fault for name in ("YANDEX_FOLDER_ID", "YANDEX_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"))


@pytest.mark.parametrize("half", [{"YANDEX_API_KEY": "AQVNsomething"}, {"MODEL_PROVIDER": "yandex"}])
def test_yandex_without_a_folder_is_a_fault(half: dict[str, str]) -> None:
    (fault,) = faults_of({"TELEGRAM_TOKEN": TOKEN} | half)
    assert fault.startswith("YANDEX_FOLDER_ID:")


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"MAX_TOKENS_PER_ANSWER": "3000"}, "MAX_TOKENS_PER_ANSWER"),
        ({"MAX_TOKENS_PER_SESSION": "3799"}, "MAX_TOKENS_PER_SESSION"),
        ({"MODEL_PROVIDER": "openai", "OPENAI_CONTEXT_TOKENS": "2048"}, "OPENAI_CONTEXT_TOKENS"),
        ({"WEBHOOK_URL": "https://bot.example.org"}, "WEBHOOK_SECRET"),
    ],
)
def test_settings_that_contradict_each_other_are_a_fault(limits: dict[str, str], name: str) -> None:
    (fault,) = faults_of(ENOUGH | limits)
    assert fault.startswith(f"{name}:")


def test_a_limit_that_cannot_be_read_is_not_compared() -> None:
    (fault,) = faults_of(ENOUGH | {"MAX_TOKENS_PER_ANSWER": "many", "MAX_TOKENS_PER_REQUEST": "500"})
    assert fault.startswith("MAX_TOKENS_PER_ANSWER: 'many'")


def test_values_are_trimmed_and_an_empty_one_is_unset() -> None:
    config = Config.from_env(
        {"TELEGRAM_TOKEN": f" {TOKEN}\n", "YANDEX_FOLDER_ID": "b1g ", "MODEL_SLOTS": " ", "ADMIN_IDS": " 5, 7 ,"}
        | {"TELEGRAM_API_URL": "http://127.0.0.1:81/", "LOG_LEVEL": "debug"}
    )
    assert (config.telegram_token, config.yandex_folder_id, config.model_slots) == (TOKEN, "b1g", 8)
    assert (config.admin_ids, config.telegram_api_url, config.log_level) == (
        frozenset({5, 7}),
        "http://127.0.0.1:81",
        "DEBUG",
    )


@pytest.mark.parametrize("address", ["http://localhost:8080/app", "http://127.0.0.1/", "http://[::1]:9"])
def test_the_web_app_may_be_plain_http_on_this_machine(address: str) -> None:
    assert Config.from_env(ENOUGH | {"WEBAPP_URL": address}).webapp_url == address.rstrip("/")


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{TOKEN}\n".replace(":", ":" if name == "TELEGRAM_TOKEN" else "_"))
    mapping = {key: value for key, value in ENOUGH.items() if key != name}
    config = Config.from_env(mapping | {f"{name}_FILE": str(path)})
    assert getattr(config, name.lower()) == path.read_text().strip()
    assert path.read_text().strip() in config.secrets
    assert path.read_text().strip() not in repr(config)


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe\x00"])
def test_a_secret_file_that_holds_none_is_a_fault_that_names_it(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    (fault,) = faults_of({"YANDEX_FOLDER_ID": "b1g", "TELEGRAM_TOKEN_FILE": str(path)})
    assert "TELEGRAM_TOKEN_FILE" in fault
    assert str(path) in fault


def test_a_secret_given_twice_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(ENOUGH | {"TELEGRAM_TOKEN_FILE": str(tmp_path)})
    assert "keep one" in fault


@pytest.mark.parametrize("name", [*SECRETS, "ADMIN_IDS", "MODEL_SLOTS", "YANDEX_FOLDER_ID", "LOG_LEVEL"])
def test_no_fault_shows_a_secret_even_in_the_wrong_line(name: str) -> None:
    secret = "987654321:" + "Zz9" * 11 + " \u2028"
    assert secret.strip() not in "".join(faults_of(ENOUGH | {name: secret + "x"}))


def test_the_secrets_are_all_secrets_and_passwords_in_addresses() -> None:
    mapping = {name: f"{name}-value" for name in SECRETS if name != "TELEGRAM_TOKEN"}
    config = Config.from_env(ENOUGH | mapping | {"YANDEX_LLM_URL": "https://me:hidden-word@host"})
    assert set(config.secrets) == {TOKEN, "hidden-word", *mapping.values()}


def test_a_name_that_looks_like_one_of_ours_is_warned_about_and_others_are_not() -> None:
    config = Config.from_env(ENOUGH | {"TELEGRAM_BOT_TOKEN": "x", "MODEL_SLOT": "4", "PATH": "/bin", "HOME": "/root"})
    assert [warning.split()[0] for warning in config.warnings] == ["TELEGRAM_BOT_TOKEN", "MODEL_SLOT"]
    assert "TELEGRAM_TOKEN?" in config.warnings[0]


def test_an_oauth_token_is_warned_about() -> None:
    (warning,) = Config.from_env(ENOUGH | {"YANDEX_OAUTH_TOKEN": "y0_something"}).warnings
    assert warning.startswith("YANDEX_OAUTH_TOKEN: Yandex ends these")


@given(st.dictionaries(st.sampled_from(names()), st.text(max_size=40)))
def test_any_environment_is_accepted_or_refused_in_sentences(mapping: dict[str, str]) -> None:
    try:
        Config.from_env(mapping)
    except ConfigError as error:
        assert error.faults
        assert all(re.match(r"[A-Z0-9_]+: .+\.", fault, re.DOTALL) for fault in error.faults)


def test_the_process_environment_goes_over_the_env_file(tmp_path: Path) -> None:
    text = '\ufeff# a comment\nTELEGRAM_TOKEN="from file" # why\nexport LOG_LEVEL=DEBUG\nA=a$b${HOME}\nLOG_FILE=x\n'
    (tmp_path / ".env").write_text(text, "utf-8")
    loaded = load_environment(tmp_path, {"LOG_LEVEL": "ERROR", "LOG_FILE": ""})
    assert loaded == {"TELEGRAM_TOKEN": "from file", "LOG_LEVEL": "ERROR", "A": "a$b${HOME}", "LOG_FILE": ""}


def test_no_env_file_is_no_fault(tmp_path: Path) -> None:
    assert load_environment(tmp_path, {"A": "1"}) == {"A": "1"}


def test_an_env_file_that_cannot_be_read_is_a_fault_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes("МОДЕЛЬ=1".encode("cp1251"))
    with pytest.raises(ConfigError, match="UTF-8") as refused:
        load_environment(tmp_path, {})
    assert str(path) in str(refused.value)
    path.unlink()
    path.mkdir()  # what Docker makes of a mounted file that isn't there
    with pytest.raises(ConfigError, match="can't be read"):
        load_environment(tmp_path, {})


FAILS = "/proc/self/mem"  # Linux answers EIO to whoever reads its beginning


@pytest.mark.skipif(sys.platform != "linux", reason="a file that fails is Linux's")
def test_a_file_that_the_disk_does_not_give_now_ends_the_start_with_1_so_that_it_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(FAILS)
    with pytest.raises(StorageError, match=f"{tmp_path}/.env: Input/output error"):
        load_environment(tmp_path, {})
    log = tmp_path / "log.txt"
    for variable in ("TELEGRAM_TOKEN_FILE", "MODELS_FILE"):
        given = {name: value for name, value in ENOUGH.items() if f"{name}_FILE" != variable}
        assert bot.main([], given | {variable: FAILS, "LOG_FILE": str(log)}) == 1
        assert log.read_text("utf-8").count(f"{FAILS}: Input/output error") == 1
        log.unlink()


def test_the_example_lists_every_setting_once_with_a_comment_above_and_its_default(tmp_path: Path) -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    pattern = re.compile(r"#?([A-Z][A-Z0-9_]+)=(.*)")
    shown = [found.groups() for line in lines if (found := pattern.fullmatch(line))]
    assert sorted(name for name, _ in shown) == sorted(names())
    assert all(re.match(r"# \w", before) for before, line in pairwise(lines) if pattern.fullmatch(line))
    (tmp_path / ".env").write_text("\n".join(f"{name}={value}" for name, value in shown if value), "utf-8")
    from_example = Config.from_env(load_environment(tmp_path, ENOUGH))
    assert from_example == Config.from_env(ENOUGH)


def test_a_password_in_an_address_beside_a_key_is_a_fault() -> None:
    address = {"OPENAI_BASE_URL": "http://me:secret@host/v1"}
    assert Config.from_env(ENOUGH | address).openai_base_url.endswith("host/v1")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as refused:
        Config.from_env(ENOUGH | address | {"OPENAI_API_KEY": "sk-something"})
    assert "secret" not in str(refused.value)
