"""Make voice messages for tests: Ogg/Opus files that play a tune and carry their words.

The words stand in the padding of the Opus packets (RFC 6716, 3.2.5), which decoders ignore, each word at its time: so a
recording that is cut into pieces has in every piece what is said there, and both ways of recognition hear it. Doesn't
cover speech in earnest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ai import opus_splitter

_MARK: Final = b"said:"
_TUNE: Final = Path(__file__).with_name("voice.ogg")
_PADDED: Final = 0x40
_PACKET: Final = opus_splitter.RATE * 60 // 1000  # samples of each of the tune's packets


def record(words: str, seconds: float = 3.0) -> bytes:
    """Return a recording of that length in which `words` are said; without words it is silent."""
    tune = opus_splitter.read(_TUNE.read_bytes())
    number = max(1, -(-int(seconds * opus_splitter.RATE + tune.pre_skip) // _PACKET))
    said = words.split() or [""]
    number = max(number, 2)
    slots: list[list[str]] = [[] for _ in range(number - 1)]  # the decoder needs the first packet to settle
    for place, word in enumerate(said):
        slots[place * len(slots) // len(said)].append(word)
    packets = [tune.packets[0]]
    for place, slot in enumerate(slots, 1):
        packet = tune.packets[place % (len(tune.packets) - 1)]  # the last one may be shorter
        packets.append(_padded(packet, _MARK + " ".join(slot).encode()) if slot else packet)
    cut_off = max(0, number * _PACKET - tune.pre_skip - int(seconds * opus_splitter.RATE))
    return opus_splitter.write(opus_splitter.Recording(tune.head, tuple(packets), min(cut_off, _PACKET)))


def words_in(data: bytes) -> str | None:
    """Return the words of a recording made by `record`, or of a piece of it; None for any other file."""
    try:
        recording = opus_splitter.read(data)
    except opus_splitter.NotOpus:
        return None
    found = list(_said(recording.packets, recording.pre_skip))
    return " ".join(filter(None, found)) if found else None


def seconds_of(data: bytes) -> float:
    """Return how long a recording plays; 0 for any other file."""
    try:
        return opus_splitter.read(data).seconds
    except opus_splitter.NotOpus:
        return 0.0


def _said(packets: Sequence[bytes], pre_skip: int) -> Iterator[str]:
    clock = 0
    for packet in packets:
        clock += _PACKET
        # A piece begins with packets of the one before, for the decoder to settle; they aren't heard.
        if clock <= pre_skip or len(packet) < 3 or packet[0] & 3 != 3 or not packet[1] & _PADDED:
            continue
        place, size = 2, 0
        while place < len(packet) and packet[place] == 255:
            size, place = size + 254, place + 1
        size += packet[place] if place < len(packet) else 0
        padding = packet[-size:] if size else b""
        if padding.startswith(_MARK):
            yield padding.removeprefix(_MARK).decode("utf-8", "replace")


def _padded(packet: bytes, padding: bytes) -> bytes:
    """Return a packet of code 3 without padding, with this padding."""
    left, lengths = len(padding), b""
    while left >= 255:
        lengths, left = lengths + b"\xff", left - 254
    return packet[:1] + bytes([packet[1] | _PADDED]) + lengths + bytes([left]) + packet[2:] + padding
