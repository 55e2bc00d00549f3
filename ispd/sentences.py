"""Names, texts and numbers as they stand in sentences for people: one line, and nothing that steers a terminal."""

from __future__ import annotations

import unicodedata


def shown(path: bytes) -> str:
    r"""A path, whole; bytes that are no UTF-8 and characters that cannot be seen are escaped.

    >>> shown(b"in/caf\xe9\n.dng")
    'in/caf\\xe9\\x0a.dng'
    """
    return _escaped(path.decode(errors="backslashreplace"))


def printable(text: str) -> str:
    r"""What a file says of itself, not endless.

    >>> printable("D90\x1b[2J")
    'D90\\x1b[2J'
    """
    return _escaped(text[:200]) + ("…" if len(text) > 200 else "")


def short(text: str, most: int) -> str:
    """At most so many characters, the middle left out: both ends tell names of one kind apart.

    >>> short("IMG_2026-03-29_panorama.DNG", 16)
    'IMG_2026…ama.DNG'
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "photo"), counted(0, "photo")
    ('1 photo', '0 photos')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _escaped(text: str) -> str:
    if text.isprintable():  # nearly always, and a list may have a hundred thousand lines
        return text
    return "".join(letter if _is_seen(letter) else _code(letter) for letter in text)


def _is_seen(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"  # some names have spaces of other widths


def _code(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"
