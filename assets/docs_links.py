"""Rewrite the links of the pages that leave docs/, for the site that MkDocs builds."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./([^)#\s]+)(#[^)\s]*)?\)")
log = logging.getLogger("mkdocs.hooks")  # a warning there fails a strict build


def on_page_markdown(markdown: str, *, config: Mapping[str, Mapping[str, str]], **_: object) -> str:
    """Point such links to the repository, or keep only their text where its address is unknown."""
    repository = config["extra"]["repository"].rstrip("/")

    def outside(link: re.Match[str]) -> str:
        text, path, anchor = link.group(1), link.group(2), link.group(3) or ""
        if not (ROOT / path).exists():
            log.warning("a page links to %s, which doesn't exist", path)
        return f"[{text}]({repository}/blob/HEAD/{path}{anchor})" if repository else text

    return LINK.sub(outside, markdown)
