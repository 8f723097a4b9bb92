"""List what a release consists of: `python -m assets.sbom FILE` writes requirements.txt as a CycloneDX SBOM.

The list has each package with its version and the hashes of its files. It is the same for the same files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from core.version import VERSION

ROOT = Path(__file__).parent.parent
PROJECT = f'[project]\nname = "coauthor"\nversion = "{VERSION}"\nlicense = "MIT"\n'


def write(target: Path) -> None:
    """Write the SBOM to `target`. Raise CalledProcessError if it isn't a valid one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "pyproject.toml"
        project.write_text(PROJECT, "utf-8")
        command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "--pyproject", str(project)]
        options = ["--output-reproducible", "--validate", "--output-file", str(target)]
        subprocess.run([*command, *options, str(ROOT / "requirements.txt")], check=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    print(sys.argv[1])
