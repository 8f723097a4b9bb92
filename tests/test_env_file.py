"""`.env` as people write it: each line is read right, or refused by a sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import load_environment
from core.env_file import EnvFileError, parse_env_file
from core.errors import ConfigError


@pytest.mark.parametrize(
    "line",
    [
        "NAME=value",
        "export NAME=value",
        "NAME = value",
        "  NAME=value  ",
        "NAME=value # which is why",
        'NAME="value"',
        "NAME='value'  # why",
        "\ufeffNAME=value",
        "NAME=value\r\nOTHER=1\r\n",
        "OTHER=1\rNAME=value\r",
        "# a comment\n\n\nNAME=value",
        "NAME=old\nNAME=value",
    ],
)
def test_what_people_write_is_read_right(line: str) -> None:
    assert parse_env_file(line.encode())["NAME"] == "value"


@pytest.mark.parametrize(
    ("line", "value"), [("NAME=a#b", "a#b"), ("NAME=$x ${y}", "$x ${y}"), ("NAME=", ""), ("NAME= # none", "")]
)
def test_a_value_is_what_it_looks_like(line: str, value: str) -> None:
    assert parse_env_file(line.encode()) == {"NAME": value}


def test_a_file_that_powershell_wrote_is_read() -> None:
    assert parse_env_file("ONE=1\r\nTWO=два\r\n".encode("utf-16")) == {"ONE": "1", "TWO": "два"}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("ONE=1\n\nSECRETWORD\n", 3, "it has no `=`"),
        ("ONE=1\nTWO: SECRETWORD", 2, "it has no `=`"),
        ("export SECRETWORD", 1, "it has no `=`"),
        ("=SECRETWORD", 1, "is no name of a setting"),
        ("A-B=SECRETWORD", 1, "is no name of a setting"),
        ('ONE="SECRETWORD\nTWO=2', 1, "the value of ONE can't be read"),
        ('ONE="SECRETWORD\nTWO=2"', 1, "the quote after ONE= isn't closed on its line"),
        ('# why\n\nONE="SECRETWORD" more', 3, "the value of ONE can't be read"),
        ("ONE=1\nTWO=“SECRETWORD”", 2, "the quotes of TWO are not"),
        ("ONE=«SECRETWORD»", 1, "the quotes of ONE are not"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_never_quoted(text: str, line: int, why: str) -> None:
    with pytest.raises(EnvFileError) as refused:
        parse_env_file(text.encode())
    fault = refused.value.faults[0]
    assert fault.startswith(f"line {line}: ") and why in fault
    assert "SECRETWORD" not in fault


@pytest.mark.parametrize("content", ["A=1\r\nB=\u00e9".encode("latin-1"), "A=1\n# комментарий".encode("cp1251")])
def test_a_line_in_another_encoding_is_named(content: bytes) -> None:
    with pytest.raises(EnvFileError, match="line 2: it is not UTF-8 text"):
        parse_env_file(content)


def test_all_such_lines_are_named_at_once_with_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ONE\nTWO=2\nTHREE\n")
    with pytest.raises(ConfigError) as refused:
        load_environment(tmp_path, {})
    assert [fault.partition(": ")[0] for fault in refused.value.faults] == [
        f"{tmp_path / '.env'}, line 1",
        f"{tmp_path / '.env'}, line 3",
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        parse_env_file(content)
    except EnvFileError as error:
        assert error.faults and all(fault.startswith("line ") for fault in error.faults)
