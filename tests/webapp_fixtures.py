"""Fixtures of the tests of the Web App's server."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.webapp_site import Site, running

OWN = {"name": "Пёс Трезор", "line": "Верит всем", "greeting": "Гав!", "personality": "Ты пёс."}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path) as made:
        made.register()
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site for tests that leave nothing behind."""
    with running(tmp_path_factory.mktemp("shared")) as made:
        made.register()
        yield made


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return out.getvalue()


def created(site: Site, **texts: str) -> dict[str, Any]:
    answer = site.ask("api/characters", method="POST", json=OWN | texts)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
