"""What the documentation says is there: links and anchors, commands, settings, files, log lines, and sums of money."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from config import names
from conversation.states import ADMIN_COMMANDS, COMMANDS
from core.version import VERSION
from sandbox.model_faults import Behaviour
from tests.world import BotHarness, until

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
READMES = (ROOT / "README.md", ROOT / "README.ru.md")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
VARIES = re.compile(r"…|\.\.\.")
PART = (
    "Туман лёг на воду, и смотритель услышал три гудка там, где кораблей не было уже двадцать лет. "
    "Он поднял фонарь, посчитал ступени и понял, что их стало на одну больше, чем утром; последняя была мокрой. "
) * 9


@cache
def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def prose_of(page: Path) -> str:
    return FENCE.sub("", text_of(page))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose_of(page)):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        if not goal.is_relative_to(ROOT) or not goal.exists() or (anchor and anchor not in anchors(goal)):
            broken.append(target)
    assert broken == []


def test_every_page_is_reached_from_both_readmes() -> None:
    for readme in READMES:
        reached = {(ROOT / target.partition("#")[0]).resolve() for target in LINK.findall(text_of(readme))}
        other_language = {ROOT / "docs/configuration.md", ROOT / "docs/configuration.ru.md", readme}
        assert [page.name for page in PAGES if page not in reached | other_language] == []


def test_every_picture_is_shown_and_small() -> None:
    pictures = sorted((ROOT / "docs/pictures").iterdir())
    for readme in READMES:
        assert [picture.name for picture in pictures if f"docs/pictures/{picture.name}" not in text_of(readme)] == []
    assert [picture.name for picture in pictures if picture.stat().st_size > 120_000] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda page: page.name)
def test_the_readmes_name_every_command_and_no_other(readme: Path) -> None:
    rows = re.findall(r"^\| (`/.+?) \|", text_of(readme), re.MULTILINE)
    named = {span.split()[0] for row in rows for span in SPAN.findall(row)}
    assert named == set(COMMANDS)
    hidden = text_of(readme).partition("`/help` |")[2]
    assert {command for command in ADMIN_COMMANDS if f"`{command}" not in hidden} == set()


@pytest.mark.parametrize("name", ["configuration.md", "configuration.ru.md"])
def test_the_tables_of_settings_have_every_setting_once_and_no_other(name: str) -> None:
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", text_of(ROOT / "docs" / name), re.MULTILINE)
    assert sorted(rows) == sorted(names())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_a_page_names_exist(page: Path) -> None:
    families = re.compile(
        r"`((?:TELEGRAM|YANDEX|OPENAI|MAX|USER|MODEL|WEBAPP|WEBHOOK|METRICS|LOG|AMPLITUDE)S?_[A-Z0-9_]+)"
    )
    named = {name.removesuffix("_FILE") for name in families.findall(text_of(page)) if not name.endswith("_")}
    elsewhere = {"TELEGRAM_API_KEY"}  # what a setting of ours is called by others; requirements.md says so
    assert named - {name.removesuffix("_FILE") for name in names()} - elsewhere == set()


def test_the_layers_of_the_architecture_are_those_of_the_contract() -> None:
    contracts = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if "layers" in contract)
    block = text_of(ROOT / "docs/architecture.md").partition("## Layers")[2].partition("\n## ")[0]
    rows = [re.findall(r"`([a-z_]+)(?:\.py|/)`", row) for row in re.findall(r"^\|(.*?)\|", block, re.MULTILINE)]
    assert [names for names in rows if names] == [layer.split(" | ") for layer in layers]


@pytest.mark.parametrize("readme", READMES, ids=lambda page: page.name)
def test_what_the_tree_of_a_readme_names_is_there(readme: Path) -> None:
    tree = re.search(r"^```\nbot\.py.*?^```", text_of(readme), re.MULTILINE | re.DOTALL)
    assert tree is not None
    named = re.findall(r"^[a-z_]+(?:\.py|/)", tree.group(), re.MULTILINE)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_changelog_heads_this_version_with_a_day() -> None:
    assert re.search(
        rf"^## \[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d$", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE
    )


@cache
def said() -> str:
    """Everything that the program may say: its sources and its texts, spaces evened out."""
    files = [*ROOT.glob("*.py"), *ROOT.glob("*/*.py"), *ROOT.glob("locales/ru/*.toml")]
    sources = "\n".join(path.read_text("utf-8") for path in files if path.parent.name != "tests")
    joined = re.sub(r"\"\s*\n\s*f?\"", "", sources)  # a sentence in several literals
    return " ".join(joined.split())


def pieces(line: str) -> Iterator[str]:
    """What stays the same in a line whose `…` differ."""
    return (piece.strip(" \"':;,.") for piece in VARIES.split(line) if len(piece.strip(" \"':;,.=()")) > 2)


def log_lines() -> Iterator[str]:
    text = text_of(ROOT / "docs/troubleshooting.md")
    for block in re.findall(r"^```log\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    for table in re.findall(r"^\| (?:it|the log) says \|.*?\n\n", text, re.MULTILINE | re.DOTALL):
        for row in table.splitlines()[2:]:
            yield from SPAN.findall(row.split(" | ")[0])[:1]


def test_the_lines_of_troubleshooting_are_what_the_program_logs() -> None:
    lines = list(log_lines())
    assert len(lines) > 25
    texts = re.sub(r"\{[^{}]*\}|%s", "", said())
    unknown = []
    for line in lines:
        for piece in pieces(line):
            words = piece.split(" ")
            parts = [re.sub(r"^event=|=$", "", word) for word in words]
            if piece not in said() and piece not in texts and not all(part in said() for part in parts if "=" in piece):
                unknown.append(piece)
    assert unknown == []


def test_the_sentences_of_troubleshooting_are_what_people_read() -> None:
    text = prose_of(ROOT / "docs/troubleshooting.md")
    sentences = [piece for quoted in re.findall(r"«([^»]+)»", text) for piece in pieces(quoted)]
    assert len(sentences) > 20
    assert [sentence for sentence in sentences if sentence not in said()] == []


# ---------------------------------------------------------------------------------------------------- money


def prices() -> dict[str, tuple[Decimal, Decimal]]:
    """Roubles for 1,000 tokens by title, of the models that have a price."""
    models = tomllib.loads(text_of(ROOT / "ai" / "catalog.toml"), parse_float=Decimal)["model"]
    return {one["title"]: (one["price"]["input"], one["price"]["output"]) for one in models if "price" in one}


def rows_of_costs() -> Iterator[tuple[int, int, list[Decimal]]]:
    """Prompt, answer and the roubles of each row that has them."""
    for line in text_of(ROOT / "docs/costs.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and re.fullmatch(r"[\d,]+", cells[1]):
            yield int(cells[1].replace(",", "")), int(cells[2].replace(",", "")), [Decimal(cell) for cell in cells[3:]]


def test_the_roubles_of_the_costs_page_follow_from_the_price_table() -> None:
    order = ("YandexGPT 5 Lite", "Alice AI LLM", "YandexGPT 5.1 Pro", "YandexGPT 5 Pro")
    rows = list(rows_of_costs())
    assert len(rows) == 6
    for prompt, answer, roubles in rows:
        costs = [(prompt * prices()[title][0] + answer * prices()[title][1]) / 1000 for title in order]
        assert [round(cost, 2) for cost in costs] == roubles
    for title in order:
        assert f"| {prices()[title][0]:.2f} | {prices()[title][1]:.2f} |" in text_of(ROOT / "docs/costs.md")


def test_a_story_takes_about_what_the_costs_page_says(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(USER_TOKENS=200_000)
    world.start()
    person = world.writer(words=PART[:1000])
    world.models.faults.default = Behaviour(text=PART[:1000])
    answered = "select count(*) from turn where state = 'answered'"
    for number in range(1, 10):
        person.send("▶️ Дальше" if number % 2 else "Марк взял фонарь и начал подниматься по лестнице.")
        until(lambda wanted=number + 1: world.value(answered) == wanted and world.settled())  # type: ignore[misc]
    world.models.faults.order(Behaviour(text=PART[:1600]), Behaviour(text="Лишний пассажир"))
    person.press("🏁 Финал")
    until(lambda: "😊 Счастливый" in str(person.keyboard))
    person.press("😊 Счастливый")
    until(lambda: world.value("select count(*) from call where purpose = 'title' and state = 'settled'"))
    told = next(row for row in rows_of_costs() if 15_000 < row[0] < 30_000)
    assert world.value("select sum(input) from call") == pytest.approx(told[0], rel=0.15)
    assert world.value("select sum(output) from call") == pytest.approx(told[1], rel=0.15)
