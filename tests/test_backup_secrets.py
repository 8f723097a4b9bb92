"""A backup has no secret: no key of the configuration ever reaches the database, and its own stays behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot import main
from database import Database, back_up, restore
from sandbox.model_faults import Behaviour
from storage.settings import MARK_KEY_SETTING
from tests.forgetting import forget
from tests.harness import ADMIN_ID, BotHarness

PASSWORD = "password-of-the-Bot-API-server"


def live_secrets(harness: BotHarness) -> list[bytes]:
    """Return the values that the running bot knows and the database must not have."""
    assert harness.app is not None
    issued = [call.headers["authorization"].removeprefix("Bearer ") for call in harness.models.of("completion")]
    return [secret.encode() for secret in {*harness.app.config.secrets, *issued}]


def test_a_backup_of_a_bot_with_live_keys_has_none(make_harness: Callable[..., BotHarness], tmp_path: Path) -> None:
    url = make_harness().telegram.url.replace("://", f"://name:{PASSWORD}@")
    harness = make_harness(
        TELEGRAM_API_URL=url,
        YANDEX_API_KEY="",  # the machine's own account: IAM tokens
        OPENAI_API_KEY="sk-of-this-test-alone",
        WEBHOOK_SECRET="a-secret-of-webhooks",
    )
    harness.start()
    admin = harness.new_person(ADMIN_ID, "Админ")
    admin.send("/debug")
    admin.wait("Отладка включена")
    person = harness.writer()
    secrets = live_secrets(harness)
    assert {b"sk-of-this-test-alone", PASSWORD.encode(), b"a-secret-of-webhooks"} < set(secrets)
    assert any(secret.startswith(b"t1.") for secret in secrets)
    told = " ".join(secret.decode() for secret in secrets)
    harness.models.faults.order(Behaviour(status=403, message=f"bad keys: {told}"))
    person.press("▶️ Дальше")
    person.wait("Не получилось")
    admin.wait("🐞")
    forget(harness, person)
    key = str(harness.db.value("setting", "value", key=MARK_KEY_SETTING)).encode()
    harness.stop()

    plain, whole = tmp_path / "plain.db", tmp_path / "whole.db"
    assert main(["--backup", str(plain)], harness.environment()) == 0
    assert main(["--backup", str(whole), "--with-secrets"], harness.environment()) == 0
    for copy in (plain, whole):
        content = copy.read_bytes()
        assert [secret for secret in secrets if secret in content] == []
    assert key not in plain.read_bytes() and key in whole.read_bytes()


def test_a_restored_bot_knows_whom_it_forgot(tmp_path: Path) -> None:
    """The database that a backup replaces has the key that the backup lacks."""
    database, copy, elsewhere = tmp_path / "bot.db", tmp_path / "copy.db", tmp_path / "other" / "bot.db"
    db = Database(database)
    db.settings.put(MARK_KEY_SETTING, "11" * 32)
    db.close()
    back_up(database, copy)
    for path, known in ((database, "11" * 32), (elsewhere, None)):
        path.parent.mkdir(exist_ok=True)
        restore(path, copy)
        db = Database(path)
        assert db.settings.get(MARK_KEY_SETTING) == known
        db.close()


@pytest.mark.parametrize("others", [[], ["--restore", "copy.db"], ["--check"]])
def test_secrets_are_asked_for_with_a_backup_only(others: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*others, "--with-secrets"], {})
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("error: --with-secrets goes with --backup FILE\n")
