"""Check the documentation: links and anchors, commands, settings, files, log lines, and sums of money."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from PIL import Image
from PIL.WebPImagePlugin import WebPImageFile

from assets import costs_tables
from assets.docs_links import on_page_markdown, on_post_page
from config import names
from conversation.steps import ADMIN_COMMANDS, COMMANDS
from core.version import VERSION
from sandbox.model_faults import Behaviour
from tests.harness import BotHarness, until

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PICTURES = DOCS / "pictures"
ANIMATIONS = {"README.ru.md": PICTURES / "writing.webp", "README.md": PICTURES / "en" / "writing.webp"}
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
READMES = (ROOT / "README.md", ROOT / "README.ru.md")
README_WORDS = 900
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
VARIES = re.compile(r"…|\.\.\.")
SENTENCES = (
    "Туман {0} лёг на воду, и смотритель услышал {0} гудка там, где {0} кораблей не было уже двадцать лет. "
    "Он {0} поднял фонарь, посчитал ступени и понял, {0} что их стало на одну больше, чем утром; {0} она была мокрой. "
)


def part_of(number: int, chars: int = 1000) -> str:
    """Return a part that repeats neither itself nor another one."""
    marks = ("".join("абвгдежзик"[int(digit)] for digit in f"{number:02}{wave}") for wave in range(9))
    return "".join(SENTENCES.format(mark) for mark in marks)[:chars]


@cache
def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def prose_of(page: Path) -> str:
    return FENCE.sub("", text_of(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[str]:
    return [link or picture for link, picture in LINK.findall(prose_of(page))]


def targets(page: Path) -> set[Path]:
    """Return the files that a page links to."""
    return {(page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for target in links(page):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        if not goal.is_relative_to(ROOT) or not goal.exists() or (anchor and anchor not in anchors(goal)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("readme", READMES, ids=lambda page: page.name)
def test_a_readme_is_short(readme: Path) -> None:
    assert len(text_of(readme).split()) <= README_WORDS


@pytest.mark.parametrize("readme", READMES, ids=lambda page: page.name)
def test_every_page_is_reached_from_each_readme_in_one_language_at_least(readme: Path) -> None:
    reached = targets(readme) | {readme, DOCS / "index.md"}  # the site's first page
    both = {path.with_name(path.name.replace(".ru.md", ".md")) for path in reached}
    pages = {page.with_name(page.name.replace(".ru.md", ".md")) for page in PAGES}
    assert sorted(page.name for page in pages - both) == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    named = re.findall(r"^ +- (?:.+: )?([\w.-]+\.md)$", text_of(ROOT / "mkdocs.yml"), re.MULTILINE)
    assert sorted(named) == sorted(page.name for page in DOCS.glob("*.md"))


def test_the_site_points_links_out_of_docs_to_the_repository(caplog: pytest.LogCaptureFixture) -> None:
    page = "See [the bot](../bot.py#x), [costs](costs.md) and ![a picture](pictures/card.webp)."
    known = on_page_markdown(page, config={"extra": {"repository": "https://example.org/bot/"}})
    assert known == page.replace("../bot.py", "https://example.org/bot/blob/HEAD/bot.py")
    assert on_page_markdown(page, config={"extra": {"repository": ""}}) == page.replace(
        "[the bot](../bot.py#x)", "the bot"
    )
    assert caplog.messages == []
    on_page_markdown("[gone](../gone.py)", config={"extra": {"repository": ""}})
    assert caplog.messages == ["a page links to gone.py, which doesn't exist"]


def test_the_site_loads_nothing_from_other_hosts(caplog: pytest.LogCaptureFixture) -> None:
    on_post_page('<a href="https://t.me/"></a><script src="assets/x.js"></script><link rel="stylesheet" href="x.css">')
    assert caplog.messages == []
    on_post_page(
        '<script defer src="https://example.org/x.js"></script><link rel="stylesheet" href="https://example.org/x">'
    )
    assert caplog.messages == ["a page loads https://example.org/x.js", "a page loads https://example.org/x"]


def test_every_page_links_to_itself_in_the_other_language() -> None:
    for russian in DOCS.glob("*.ru.md"):
        english = russian.with_name(russian.name.replace(".ru.md", ".md"))
        assert english in targets(russian)
        assert russian in targets(english)


def test_every_picture_is_shown_and_small() -> None:
    pictures = set(PICTURES.rglob("*.webp"))
    assert pictures - {target for page in PAGES for target in targets(page)} == set()
    assert [picture.name for picture in pictures - {*ANIMATIONS.values()} if picture.stat().st_size > 120_000] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda page: page.name)
def test_the_moving_picture_is_shown_and_fit_for_a_readme(readme: Path) -> None:
    path = ANIMATIONS[readme.name]
    assert path in targets(readme)
    assert path.stat().st_size <= 1_500_000
    with Image.open(path) as animation:
        assert isinstance(animation, WebPImageFile)
        assert 390 <= animation.width <= 480
        shown_ms = []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            animation.load()
            shown_ms.append(animation.info["duration"])
        assert len(shown_ms) > 20
        assert 10_000 <= sum(shown_ms) <= 14_000


@pytest.mark.parametrize("name", ["commands.md", "commands.ru.md"])
def test_the_commands_page_names_every_command_and_no_other(name: str) -> None:
    tables = re.split(r"^## ", text_of(DOCS / name), flags=re.MULTILINE)[1:]
    everybody, admins = (
        {span.split()[0] for row in re.findall(r"^\| (`/.+?) \|", table, re.MULTILINE) for span in SPAN.findall(row)}
        for table in tables
    )
    assert everybody == set(COMMANDS) - set(ADMIN_COMMANDS)
    assert admins == set(ADMIN_COMMANDS)


@pytest.mark.parametrize("name", ["settings.md", "settings.ru.md"])
def test_the_tables_of_settings_have_every_setting_once_and_no_other(name: str) -> None:
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", text_of(DOCS / name), re.MULTILINE)
    assert sorted(rows) == sorted(names())


def test_the_example_of_env_has_every_setting_once_and_no_other() -> None:
    rows = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text_of(ROOT / ".env.example"), re.MULTILINE)
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
    """Return what stays the same in a line whose `…` differ."""
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


def test_the_tables_of_the_costs_page_are_those_that_the_script_writes() -> None:
    page = text_of(costs_tables.PAGE)
    assert costs_tables.page(page) == page
    assert "| Alice AI LLM | 1.62 | 2.46 |" in page  # 1,800 × 0.50 + 600 × 1.20, and 3,000 and 800
    with pytest.raises(ValueError, match="prices"):
        costs_tables.page(page.replace("<!-- prices -->", ""))


def test_a_story_takes_about_what_the_costs_page_says(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(USER_TOKENS=200_000)
    harness.start()
    person = harness.writer(words=part_of(0))
    for number in range(1, 10):
        harness.models.faults.default = Behaviour(text=part_of(number))
        person.send("▶️ Дальше" if number % 2 else "Марк взял фонарь и начал подниматься по лестнице.")
        until(lambda wanted=number + 1: harness.db.count("turn", state="answered") == wanted and harness.settled())  # type: ignore[misc]
    harness.models.faults.order(Behaviour(text=part_of(10, 1600)), Behaviour(text="Лишний пассажир"))
    person.press("🏁 Финал")
    until(lambda: "😊 Счастливый" in str(person.keyboard))
    person.press("😊 Счастливый")
    until(lambda: harness.db.count("call", purpose="title", state="settled"))
    told = costs_tables.STORIES[10]
    assert harness.db.total("call", "input") == pytest.approx(told[0], rel=0.15)
    assert harness.db.total("call", "output") == pytest.approx(told[1], rel=0.15)
