"""Ogg/Opus recordings (Telegram's voice messages) cut into shorter ones, without decoding a sample.

Each piece is a file of its own (RFC 3533, RFC 7845, and RFC 6716 for a packet's length), cut at a quiet place. A later
piece begins 80 ms early and names them as its pre-skip: a decoder needs them to settle, nothing is heard twice. Of
chained streams the first is used; `joined` makes one stream of them.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

RATE: Final = 48_000  # samples a second of every Opus stream's clock
SETTLING: Final = RATE * 80 // 1000  # samples that a decoder hears before the piece begins
LOOK_BACK: Final = 5 * RATE  # how much earlier a piece may end for the sake of a quiet place
_LONGEST: Final = RATE * 120 // 1000
_AROUND: Final = RATE // 10  # a quiet place is one with few bytes this far before and after it
_PAGE: Final = struct.Struct("<4sBBqIIIB")
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_BEGINNING: Final = re.compile(rb"OggS\x00\x02.{20}\x01.OpusHead", re.DOTALL)  # the first page of a stream
_PACKETS_A_PAGE: Final = 50
_HEADERS: Final = 256  # bytes, more than the two header pages of a piece take
_TAGS: Final = b"OpusTags" + struct.pack("<I", 8) + b"soavtor " + struct.pack("<I", 0)
_FRAMES: Final = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4  # samples, by configuration
_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class NotOpus(ValueError):
    """The bytes aren't a recording in Ogg/Opus."""


@dataclass(frozen=True, slots=True)
class Recording:
    """An Opus stream. Sample counts are of the 48 kHz clock."""

    head: bytes  # the OpusHead packet
    packets: tuple[bytes, ...]
    cut_off: int = 0  # samples at the end that aren't played

    @property
    def pre_skip(self) -> int:
        """Samples at the beginning that aren't played."""
        return int.from_bytes(self.head[10:12], "little")

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return max(0, sum(map(_samples, self.packets)) - self.cut_off - self.pre_skip) / RATE


def read(data: bytes) -> Recording:
    """Read the recording in `data`, up to the cut of a truncated file. Raise NotOpus."""
    packets: list[bytes] = []
    begun = end = -1  # the stream's clock before its first packet, and after its last
    rest = b""
    serial = None
    for flags, granule, page_serial, pieces, unfinished in _pages(data):
        if serial is None:
            serial = page_serial
        if page_serial != serial:
            continue
        if rest and pieces and flags & _CONTINUED:
            pieces[0] = rest + pieces[0]
        done = pieces[:-1] if unfinished else pieces
        rest = pieces[-1] if unfinished and pieces else b""
        sounding = done[max(0, 2 - len(packets)) :]
        packets += done
        if sounding and granule >= 0:
            begun = max(0, granule - sum(map(_samples, sounding))) if begun < 0 else begun
            end = granule
    if not packets or not packets[0].startswith(b"OpusHead") or len(packets[0]) < 19:
        raise NotOpus("no OpusHead at the beginning")
    sound = tuple(packet for packet in packets[2:] if _samples(packet))
    if not sound:
        raise NotOpus("a recording without sound")
    cut_off = sum(map(_samples, sound)) - (end - begun)
    return Recording(packets[0], sound, cut_off if 0 <= cut_off < RATE else 0)


def write(recording: Recording, *, serial: int = 1) -> bytes:
    """Return the recording as a file."""
    pages = [_page(_FIRST, 0, serial, 0, [recording.head]), _page(0, 0, serial, 1, [_TAGS])]
    clock = 0
    groups = list(_grouped(recording.packets))
    for number, group in enumerate(groups, 2):
        clock += sum(map(_samples, group))
        last = number == len(groups) + 1
        pages.append(_page(_LAST * last, clock - recording.cut_off * last, serial, number, group))
    return b"".join(pages)


def cut(data: bytes, longest_s: float, largest: int) -> list[bytes]:
    """Cut `data` into files of at most `longest_s` and at most `largest` bytes, in order. Raise NotOpus."""
    recording = read(data)
    if recording.seconds <= longest_s and len(data) <= largest:
        return [data]
    packets = recording.packets
    samples = [_samples(packet) for packet in packets]
    pieces: list[bytes] = []
    start = 0
    while start < len(packets):
        early = _settled(samples, start)
        end = _reach(packets, samples, early, longest_s, largest)
        if end <= start:
            raise NotOpus("a packet that is larger than a whole piece may be")
        if end < len(packets):
            end = _quietest(packets, samples, start, end)
        head = recording.head
        if start:
            head = head[:10] + struct.pack("<H", sum(samples[early:start])) + head[12:]
        cut_off = recording.cut_off if end == len(packets) else 0
        pieces.append(write(Recording(head, packets[early:end], cut_off), serial=len(pieces) + 1))
        start = end
    return pieces


def joined(data: bytes) -> bytes:
    """Return the streams that follow each other in `data` as one: players stop after the first. Raise NotOpus.

    The samples around a seam that aren't to be played are played: a few milliseconds of silence.
    """
    starts = [found.start() for found in _BEGINNING.finditer(data)]
    if len(starts) < 2:
        return data
    streams = [read(data[start:end]) for start, end in pairwise([*starts, len(data)])]
    packets = tuple(packet for stream in streams for packet in stream.packets)
    return write(Recording(streams[0].head, packets, streams[-1].cut_off))


def _settled(samples: Sequence[int], start: int) -> int:
    """Return the first packet of a piece whose decoder has settled at `start`."""
    early, before = start, 0
    while early > 0 and before < SETTLING:
        early -= 1
        before += samples[early]
    return early


def _reach(packets: Sequence[bytes], samples: Sequence[int], start: int, longest_s: float, largest: int) -> int:
    """Return the furthest end of a piece from `start`."""
    clock, size, end = 0, _HEADERS, start
    while end < len(packets):
        clock += samples[end]
        size += len(packets[end]) + len(packets[end]) // 255 + 4  # its lacing, and its share of a page's header
        if clock > longest_s * RATE or size > largest:
            break
        end += 1
    return end


def _quietest(packets: Sequence[bytes], samples: Sequence[int], start: int, end: int) -> int:
    """Return the quietest end at or somewhat before `end`: an encoder spends few bytes on silence."""
    around = max(1, _AROUND // max(1, samples[end]))
    earliest, clock = end, 0
    while earliest - 1 > start + around and clock < LOOK_BACK:
        earliest -= 1
        clock += samples[earliest]

    def loudness(place: int) -> int:
        return sum(map(len, packets[place - around : place + around]))

    return min(range(end, earliest - 1, -1), key=loudness)


def _samples(packet: bytes) -> int:
    """Return how long a packet plays, by its first two bytes; 0 for an invalid one, over 120 ms."""
    if not packet:
        return 0
    code = packet[0] & 3
    frames = (1, 2, 2)[code] if code < 3 else (packet[1] & 63 if len(packet) > 1 else 0)
    samples = frames * _FRAMES[packet[0] >> 3]
    return samples if samples <= _LONGEST else 0


def _pages(data: bytes) -> Iterator[tuple[int, int, int, list[bytes], bool]]:
    """Yield flags, granule position, serial number, pieces of packets; True if the last continues on the next page."""
    place = 0
    while len(data) - place >= _PAGE.size:
        mark, _, flags, granule, serial, _, _, segments = _PAGE.unpack_from(data, place)
        if mark != b"OggS":
            place = data.find(b"OggS", place + 1)
            if place < 0:
                return
            continue
        lacing = data[place + _PAGE.size : place + _PAGE.size + segments]
        place += _PAGE.size + segments
        if len(lacing) < segments or place + sum(lacing) > len(data):
            return
        pieces, length = [], 0
        for size in lacing:
            length += size
            if size < 255:
                pieces.append(data[place : place + length])
                place, length = place + length, 0
        unfinished = bool(lacing) and lacing[-1] == 255
        if unfinished:
            pieces.append(data[place : place + length])
            place += length
        yield flags, granule, serial, pieces, unfinished


def _grouped(packets: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the packets of each page."""
    group: list[bytes] = []
    segments = 0
    for packet in packets:
        needed = len(packet) // 255 + 1
        if group and (segments + needed > 255 or len(group) == _PACKETS_A_PAGE):
            yield group
            group, segments = [], 0
        group.append(packet)
        segments += needed
    yield group


def _page(flags: int, granule: int, serial: int, number: int, packets: Sequence[bytes]) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    head = _PAGE.pack(b"OggS", 0, flags, granule, serial, number, 0, len(lacing))
    page = head + lacing + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(page: bytes) -> int:
    """Return Ogg's CRC: zlib's with the bits of each byte and of the result mirrored, without inversions."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{mirrored:032b}"[::-1], 2)
