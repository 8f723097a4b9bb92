"""The number of this version, as `/info` says it and `CHANGELOG.md` heads it."""

from __future__ import annotations

VERSION = "1.0.0"
