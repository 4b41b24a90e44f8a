"""Ways to damage the bytes of a file, each drawn by a generator of random numbers."""

import re
from collections.abc import Callable

import numpy as np

Random = np.random.Generator
WORDS = [
    b"nan", b"inf", b"-1", b"1e999", b"99999999999999999999", b"", b"abc", b"0x10", b"1_000", b"-999", b"1,5", b"true",
    b"null", b"[]", b"{}", b"../../x", b"<script>", b"\x00", b"\xff\xfe", b"-0", b"1e-400", b"2000-02-30",
    "２".encode(),
]  # fmt: skip
TOKEN = re.compile(rb"[-+.0-9a-zA-Z_]+")


def _place(content: bytes, random: Random) -> int:
    return int(random.integers(len(content) + 1))


def _slice(content: bytes, random: Random) -> tuple[int, int]:
    first = int(random.integers(max(len(content), 1)))
    return first, first + 1 + int(random.integers(max(len(content) // 4, 1)))


def flip_one(content: bytes, random: Random) -> bytes:
    if not content:
        return content
    at = int(random.integers(len(content)))
    return content[:at] + bytes([content[at] ^ (1 << int(random.integers(8)))]) + content[at + 1 :]


def flip_many(content: bytes, random: Random) -> bytes:
    for _ in range(8):
        content = flip_one(content, random)
    return content


def flip_at_the_head(content: bytes, random: Random) -> bytes:
    """Where formats keep what they declare."""
    return flip_one(content[:512], random) + content[512:]


def truncate(content: bytes, random: Random) -> bytes:
    return content[: _place(content[:-1], random)]


def cut_out(content: bytes, random: Random) -> bytes:
    first, last = _slice(content, random)
    return content[:first] + content[last:]


def double(content: bytes, random: Random) -> bytes:
    first, last = _slice(content, random)
    return content[:last] + content[first:last] + content[last:]


def zero(content: bytes, random: Random) -> bytes:
    first, last = _slice(content, random)
    return content[:first] + bytes(len(content[first:last])) + content[last:]


def insert_noise(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + random.bytes(1 + int(random.integers(64))) + content[at:]


def append_noise(content: bytes, random: Random) -> bytes:
    return content + random.bytes(1 + int(random.integers(64)))


def move(content: bytes, random: Random) -> bytes:
    first, last = _slice(content, random)
    rest = content[:first] + content[last:]
    at = _place(rest, random)
    return rest[:at] + content[first:last] + rest[at:]


def nest(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + b"[" * 5000 + content[at:]


def exchange_word(content: bytes, random: Random) -> bytes:
    """A number or a word for one that is bad somewhere, or for another word of the file."""
    found = list(TOKEN.finditer(content[:200_000]))
    if not found:
        return append_noise(content, random)
    at = found[int(random.integers(len(found)))]
    other = found[int(random.integers(len(found)))].group()
    word = other if random.random() < 0.3 else WORDS[int(random.integers(len(WORDS)))]
    return content[: at.start()] + word + content[at.end() :]


def _lines(content: bytes, random: Random, change: Callable[[list[bytes], int, int], None]) -> bytes:
    lines = content.split(b"\n")
    change(lines, int(random.integers(len(lines))), int(random.integers(len(lines))))
    return b"\n".join(lines)


def drop_line(content: bytes, random: Random) -> bytes:
    return _lines(content, random, lambda lines, i, j: lines.pop(i) and None)


def repeat_line(content: bytes, random: Random) -> bytes:
    return _lines(content, random, lambda lines, i, j: lines.insert(j, lines[i]))


def swap_lines(content: bytes, random: Random) -> bytes:
    def change(lines: list[bytes], i: int, j: int) -> None:
        lines[i], lines[j] = lines[j], lines[i]

    return _lines(content, random, change)


def empty(content: bytes, random: Random) -> bytes:
    return b""


def noise(content: bytes, random: Random) -> bytes:
    return random.bytes(1 + int(random.integers(2000)))


BYTES = (
    flip_one, flip_many, flip_at_the_head, truncate, cut_out, double, zero, insert_noise, append_noise, move,
    empty, noise,
)  # fmt: skip
TEXT = (*BYTES, exchange_word, exchange_word, exchange_word, drop_line, repeat_line, swap_lines, nest)
