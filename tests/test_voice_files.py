"""Recordings in formats that only some services take, and files of a Bot API server in local mode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ai.audio_format import ending_of, format_of
from core.errors import TelegramRefused
from core.http_client import HttpClient
from sandbox.models import API_KEY
from telegram.api_client import BotApi
from tests.harness import BotHarness, until
from tests.recordings import recording
from tests.test_voice import hears

TOKEN = "7:abcdef"
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" * 100
FORMATS = {
    "MP3": MP3,
    "WAV": b"RIFF\x24\x00\x00\x00WAVEfmt ",
    "M4A": b"\x00\x00\x00\x20ftypM4A ",
    "WebM": b"\x1aE\xdf\xa3\x01",
    "FLAC": b"fLaC\x00",
    "OGG": b"OggS\x00\x02" + b"\x00" * 22 + b"\x01vorbis\x00",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_recording_that_speechkit_cant_take_is_named_and_not_offered_again(harness: BotHarness, name: str) -> None:
    person = harness.writer()
    before = harness.db.value("user", "spent", id=1)
    person.voice(FORMATS[name])
    said = person.wait("Запись в формате")
    assert f"в формате {name}, а разбираю я только OGG Opus" in said.text and not said.labels
    until(harness.settled)
    assert harness.db.value("user", "spent", id=1) == before
    harness.check_books()


def test_a_recording_of_no_known_format_isnt_offered_again_either(harness: BotHarness) -> None:
    person = harness.writer()
    for body in (b"nothing that anybody knows", recording()[:60]):
        person.voice(body)
        assert not person.wait("Не узнаю формат этой записи").labels


def test_a_server_that_takes_mp3_gets_it_under_its_own_name(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    harness.settings |= {"OPENAI_BASE_URL": harness.models.openai_url, "OPENAI_API_KEY": API_KEY}
    harness.start()
    person = harness.writer()
    hears(harness, "меню")
    person.voice(MP3)
    person.wait("Вы в меню")
    [asked] = [request for request in list(harness.models.requests) if request.kind == "stt"]
    assert asked.body["file"] == "voice.mp3"


def test_formats_are_known_by_their_first_bytes() -> None:
    assert {name: format_of(start) for name, start in FORMATS.items()} == {name: name for name in FORMATS}
    assert (format_of(recording()), ending_of(recording())) == ("OGG Opus", "ogg")
    assert (format_of(b""), ending_of(b""), ending_of(MP3)) == ("", "ogg", "mp3")


# ---------------------------------------------------------------------- a server in local mode


def test_a_file_on_the_servers_disk_is_read_there(harness: BotHarness, tmp_path: Path) -> None:
    harness.telegram.local_folder = tmp_path / "telegram-bot-api"
    person = harness.writer()
    hears(harness, "меню")
    person.voice(recording())
    person.wait("Вы в меню")


def test_a_file_that_isnt_on_this_disk_is_said_and_logged_for_the_admin(
    harness: BotHarness, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    harness.telegram.local_folder, harness.telegram.local_shared = tmp_path / "telegram-bot-api", False
    person = harness.writer()
    person.voice(recording())
    assert not person.wait("не удалось открыть").labels
    assert "local_file_unreadable" in caplog.text and harness.telegram.token not in caplog.text
    until(harness.is_idle)


def test_only_the_servers_folder_for_this_bot_is_read(tmp_path: Path) -> None:
    folder = tmp_path / TOKEN / "voice"
    folder.mkdir(parents=True)
    (folder / "file_0.oga").write_bytes(b"OggS")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "link.oga").symlink_to(tmp_path / "secret")
    api = BotApi(TOKEN, "http://127.0.0.1:1", HttpClient())
    assert api.download(str(folder / "file_0.oga")) == b"OggS"
    for path, code in (
        ("/etc/passwd", 403),
        (str(tmp_path / "secret"), 403),
        (str(folder / "link.oga"), 403),
        (str(folder / ".." / ".." / "secret"), 403),
        (str(folder / "file_1.oga"), 404),
        (str(folder), 404),
    ):
        with pytest.raises(TelegramRefused) as refused:
            api.download(path)
        assert refused.value.code == code and TOKEN not in str(refused.value)
    with pytest.raises(TelegramRefused) as refused:
        api.download(str(folder / "file_0.oga"), limit_bytes=3)
    assert refused.value.code == 413
