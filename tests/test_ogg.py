"""Cutting Ogg/Opus: pieces are valid files within their limits that play, one after another, what the whole played."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai.opus_splitter import SETTLING, NotOpus, Recording, cut, read, write

VOICE = (Path(__file__).parent / "voice.ogg").read_bytes()  # 37.3 s by opusenc: half a second of tone in three


def slow_checksum(page: bytes) -> int:
    """Ogg's CRC as its definition has it, bit by bit."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def pages(data: bytes) -> list[tuple[int, int, int, int]]:
    """Return flags, clock, serial and number of each page; asserts that their checksums are right."""
    found, place = [], 0
    while place < len(data):
        mark, _, flags, clock, serial, number, checksum, segments = struct.unpack_from("<4sBBqIIIB", data, place)
        size = 27 + segments + sum(data[place + 27 : place + 27 + segments])
        page = data[place : place + size]
        assert mark == b"OggS" and slow_checksum(page[:22] + bytes(4) + page[26:]) == checksum
        found.append((flags, clock, serial, number))
        place += size
    return found


def test_another_programs_file_is_read() -> None:
    recording = read(VOICE)
    assert recording.seconds == pytest.approx(37.3)
    assert (recording.pre_skip, recording.cut_off, len(recording.packets)) == (312, 648, 1866)


def test_what_is_written_reads_the_same_and_is_well_formed() -> None:
    recording = read(VOICE)
    written = write(recording)
    assert read(written) == recording
    found = pages(written)
    assert [number for *_, number in found] == list(range(len(found)))
    assert [flags for flags, *_ in found] == [2] + [0] * (len(found) - 2) + [4]
    assert found[-1][1] == round(recording.seconds * 48_000) + recording.pre_skip


def test_a_short_recording_is_left_as_it_is() -> None:
    assert cut(VOICE, 40, 100_000) == [VOICE]


@pytest.mark.parametrize(("longest_s", "largest"), [(30, 1_000_000), (10, 1_000_000), (40, 5000)])
def test_pieces_keep_the_limits_and_play_the_whole(longest_s: float, largest: int, tmp_path: Path) -> None:
    whole = read(VOICE)
    pieces = cut(VOICE, longest_s, largest)
    assert len(pieces) > 1
    played: list[bytes] = []
    for number, piece in enumerate(pieces):
        recording = read(piece)
        assert len(piece) <= largest and 0 < recording.seconds <= longest_s
        assert pages(piece)[0][2] == number + 1
        settling = 0 if number == 0 else recording.pre_skip // 960
        assert number == 0 or recording.pre_skip >= SETTLING
        played += recording.packets[settling:]
        check_by_opusinfo(piece, tmp_path / f"{number}.ogg")
    assert tuple(played) == whole.packets
    assert sum(read(piece).seconds for piece in pieces) == pytest.approx(whole.seconds)


def check_by_opusinfo(piece: bytes, path: Path) -> None:
    """Where that program is installed: it has nothing to complain of."""
    program = shutil.which("opusinfo")
    if program is not None:
        path.write_bytes(piece)
        ended = subprocess.run([program, path], capture_output=True, text=True, timeout=20)
        assert ended.returncode == 0 and "WARNING" not in ended.stdout + ended.stderr, ended.stdout


def test_a_recording_is_cut_where_it_is_quiet() -> None:
    loud, quiet = b"\x08" + bytes(60), b"\x08\x01"
    recording = Recording(read(VOICE).head, tuple([loud] * 400 + [quiet] * 20 + [loud] * 180))  # 12 s, quiet at 8 s
    first, *_ = cut(write(recording), 10, 1_000_000)
    assert 400 < len(read(first).packets) < 420


def test_packets_that_cross_pages_and_other_streams_are_read() -> None:
    recording = Recording(read(VOICE).head, (b"\x0b\x01" + bytes(600), b"\x08\x01"))
    head, tags, sound = (b"OggS" + part for part in write(recording).split(b"OggS")[1:])
    lacing = sound[27 : 27 + sound[26]]
    body = sound[27 + len(lacing) :]
    one = sound[:26] + b"\x02\xff\xff" + body[:510]
    two = sound[:5] + b"\x05" + sound[6:26] + bytes([len(lacing) - 2]) + lacing[2:] + body[510:]
    foreign = struct.pack("<4sBBqIIIB", b"OggS", 0, 2, 0, 99, 0, 0, 1) + b"\x03abc"
    assert read(head + foreign + tags + one + b"noise" + two).packets == recording.packets


def test_a_truncated_recording_is_read_as_far_as_it_goes() -> None:
    assert 10 < read(VOICE[: len(VOICE) // 2]).seconds < 25


@pytest.mark.parametrize("data", [b"", b"ID3\x04", VOICE[:20], VOICE[:200], VOICE.replace(b"OpusHead", b"OpusHeap")])
def test_what_is_no_opus_is_refused(data: bytes) -> None:
    with pytest.raises(NotOpus):
        cut(data, 30, 1_000_000)


def test_a_packet_larger_than_a_piece_is_refused() -> None:
    with pytest.raises(NotOpus):
        cut(write(replace(read(VOICE), packets=(b"\x08" + bytes(2000),) * 3)), 30, 1000)


@given(st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=30), st.integers(0, 200))
def test_any_packets_survive_or_are_refused(packets: list[bytes], damage: int) -> None:
    written = write(Recording(read(VOICE).head, tuple(packets)))
    damaged = written[:damage] + b"\xff" + written[damage + 1 :]
    for data in (written, damaged):
        try:
            pieces = cut(data, 0.5, 4000)
        except NotOpus:
            continue
        assert all(read(piece).packets for piece in pieces)
