"""`python -m bench.prose`: what it counts, and that it runs on any OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench import prose
from bench.prose_figures import Asked, ProseFigures, figures_of
from sandbox.model_faults import Behaviour
from sandbox.models import ModelServers

ASKED = Asked("ru", "1–2 абзаца, до 300 знаков")
GOOD = (
    "Веста задула фонарь и долго слушала. Стук шёл снизу, из-под льда, и она опустилась на колени.\n\n"
    "— Я здесь, — сказал кто-то. — Не уходи, мне холодно."
)
LONG = "Старик вышел из тени, поднял весло и показал на чёрную воду."
FAULTS = (
    ("length", GOOD[:40], ASKED),
    ("length", f"{GOOD} " + "Старик ушёл за дом, и снег лёг на следы. Она " + "ждала, " * 40 + "и ждала.", ASKED),
    ("echo", f"Веста подняла фонарь и ушла. {GOOD}", replace(ASKED, words="Веста подняла фонарь и ушла.")),
    ("opening", GOOD, replace(ASKED, before="Веста задула фонарь и вышла.")),
    ("twice", f"{GOOD} {LONG} Она ждала. {LONG}", replace(ASKED, length="до 600 знаков")),
    ("cliches", f"Внезапно она встала. {GOOD}", ASKED),
    ("person", "Я задула фонарь и долго слушала. Мне было холодно, и я опустилась на колени у самой воды.", ASKED),
    ("tense", "Веста задувает фонарь и слушает. Она опускается на колени, и лёд трещит, и кто-то зовёт её.", ASKED),
    ("wish", GOOD, replace(ASKED, words="(пусть пойдёт снег)", signs=("снег",))),
    ("wish", f"(пусть пойдёт снег) {GOOD} Снег.", replace(ASKED, words="(пусть пойдёт снег)", signs=("снег",))),
    (
        "language",
        "Wren blew out the lantern and listened. He was there, and she called him by name, and waited.",
        ASKED,
    ),
    ("refusal", "Я не могу обсуждать эту тему. Давайте поговорим о чём-нибудь ещё.", ASKED),
    ("refusal", "", ASKED),
    ("refusal", GOOD, replace(ASKED, refused=True)),
)


def test_a_good_passage_has_no_fault() -> None:
    assert figures_of(GOOD, ASKED) == ProseFigures()
    assert figures_of(f"{GOOD} Снег пошёл.", replace(ASKED, words="(пусть пойдёт снег)", signs=("снег",))).wish == 0


@pytest.mark.parametrize(("name", "answer", "asked"), FAULTS)
def test_each_fault_is_counted(name: str, answer: str, asked: Asked) -> None:
    assert getattr(figures_of(answer, asked), name) == 1


def test_figures_add_up() -> None:
    assert ProseFigures(length=1, cliches=2) + ProseFigures(cliches=3, refusal=1) == ProseFigures(
        1, 0, 0, 0, 5, refusal=1
    )


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServers]:
    with ModelServers() as servers:
        monkeypatch.setenv("OPENAI_BASE_URL", servers.openai_url)
        monkeypatch.setenv("OPENAI_MODEL", "sandbox-poet")
        yield servers


def test_ten_parts_are_written_by_each_prompt(models: ModelServers, capsys: pytest.CaptureFixture[str]) -> None:
    assert prose.main([]) == 0
    printed = capsys.readouterr().out
    assert printed.count("characters, length=") == 2 * 2 * 10
    assert len(models.of("completion")) == 40
    sums = [line for line in printed.splitlines() if line.startswith(("ru ", "en "))]
    assert [line.partition(":")[0] for line in sums] == [
        *("en coauthor", "en small.coauthor", "ru coauthor", "ru small.coauthor")
    ]
    for faultless in ("echo=0", "opening=0", "twice=0", "language=0", "refusal=0"):
        assert all(faultless in line for line in sums), sums
    last = models.of("completion")[0].body["messages"][-1]["content"]
    assert last.endswith(")") and "passage" in last


def test_a_refusal_is_counted_and_a_server_that_is_away_is_named(
    models: ModelServers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models.faults.default = Behaviour(text="Я не могу обсуждать эту тему.")
    assert prose.main(["--language", "ru", "--prompt", "coauthor", "--parts", "2"]) == 0
    assert "ru coauthor: " in (printed := capsys.readouterr().out) and printed.rstrip().endswith("refusal=2")
    models.faults.default = Behaviour(status=401)
    assert prose.main(["--language", "ru", "--prompt", "coauthor", "--parts", "1"]) == 1
    assert "can't be asked" in capsys.readouterr().err
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(SystemExit):
        prose.main([])
