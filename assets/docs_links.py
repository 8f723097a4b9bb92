"""MkDocs hooks: rewrite links that leave docs/, and refuse files from other hosts."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./([^)#\s]+)(#[^)\s]*)?\)")
FOREIGN = re.compile(
    r'<(?:script|img|iframe|link rel="(?:stylesheet|preconnect|preload)")[^>]*(?:src|href)="(https?:[^"]+)'
)
log = logging.getLogger("mkdocs.hooks")  # a warning here fails a strict build


def on_page_markdown(markdown: str, *, config: Mapping[str, Mapping[str, str]], **_: object) -> str:
    """Point links like `../bot.py` to the repository; keep only their text if its address is unknown."""
    repository = config["extra"]["repository"].rstrip("/")

    def outside(link: re.Match[str]) -> str:
        text, path, anchor = link.group(1), link.group(2), link.group(3) or ""
        if not (ROOT / path).exists():
            log.warning("a page links to %s, which doesn't exist", path)
        return f"[{text}]({repository}/blob/HEAD/{path}{anchor})" if repository else text

    return LINK.sub(outside, markdown)


def on_post_page(output: str, **_: object) -> str:
    """Warn of scripts, styles and pictures that a page would load from another host."""
    for address in FOREIGN.findall(output):
        log.warning("a page loads %s", address)
    return output
