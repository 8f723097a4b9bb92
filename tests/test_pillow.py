"""A disk that fails while Pillow is imported is no fault of the picture, and the picture is read afterwards."""

from __future__ import annotations

import subprocess
import sys
from ast import literal_eval

import pytest

from tests.harness import ROOT

PROGRAM = """
import errno, io, sys

class Failing:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise OSError(errno.EIO, "Input/output error")

from PIL import Image
content = io.BytesIO()
Image.new("RGB", (40, 30), "navy").save(content, "JPEG")
picture = content.getvalue()
for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
    del sys.modules[name]

from ai.vision import prepared
from export.cover import _printed
from web.pictures import square

def read(what):
    try:
        return bool(what())
    except OSError as error:
        return error.strerror

ways = (
    lambda: prepared(picture, pixels=10_000, pixels_per_token=100),
    lambda: square(picture),
    lambda: _printed(picture, "А", "Б", "В"),
)
sys.meta_path.insert(0, Failing())
print([read(way) for way in ways])
sys.meta_path.pop(0)
print([read(way) for way in ways])
"""


@pytest.mark.parametrize("module", ["PngImagePlugin", "WebPImagePlugin", "ImageOps", "JpegPresets"])
def test_a_disk_that_fails_as_pillow_is_imported_spoils_no_picture(module: str) -> None:
    arguments = [sys.executable, "-c", PROGRAM, f"PIL.{module}"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    failing, again = done.stdout.splitlines() or ["", done.stderr]
    assert set(literal_eval(failing)) <= {"Input/output error", True} and "Input" in failing, done.stderr
    assert again == str([True] * 3), done.stderr
