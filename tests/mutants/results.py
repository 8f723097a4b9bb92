"""What came of each mutant, a JSON file a module."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

NO_END: Final = "no end"
DIED: Final = "the process died"
IMPORT: Final = "(import)"
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """A mutant, and the test that failed, or in a test's place what else killed it; empty if it survived."""

    module: str
    operator: str
    number: int  # among the positions of its operator
    line: int
    before: str
    after: str
    failed: str

    @property
    def key(self) -> Key:
        return self.operator, self.number

    @property
    def survived(self) -> bool:
        return not self.failed

    @property
    def never_ended(self) -> bool:
        return self.failed == NO_END

    @property
    def broke(self) -> bool:
        """Whether the module could not be imported, or the process died: no test had to notice."""
        return self.failed == DIED or self.failed.endswith(IMPORT)


def read(folder: Path, module: str) -> list[Row]:
    """Return the results of a module; none if it was not tried."""
    path = _path(folder, module)
    return [Row(**row) for row in json.loads(path.read_text("utf-8"))] if path.exists() else []


def write(folder: Path, module: str, rows: Sequence[Row]) -> None:
    """Store the results of a module."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1)
    _path(folder, module).write_text(text, "utf-8")


def _path(folder: Path, module: str) -> Path:
    return folder / f"{module.replace('/', '-')}.json"
