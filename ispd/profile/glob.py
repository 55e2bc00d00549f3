"""Patterns for names: `*` is any text, `?` one character, everything else itself (brackets too: lenses have them).

One walk answers both questions, whether a text fits a pattern and whether two patterns could fit one text: a text is
a pattern without wildcards.  The walk costs length × length, so that hostile tags cannot make it slow.
"""

from __future__ import annotations

from typing import TypeAlias

_LONGEST = 1000  # characters of a value that are looked at
_ANY_TEXT, _ANY_CHARACTER = "any text", "any character"  # longer than one character: no literal equals them
_Tokens: TypeAlias = list[str]


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text fits, case aside.

    >>> fits("pixel 7*", "Pixel 7 Pro")
    True
    """
    return _meet(_tokens(pattern), list(text.casefold()[:_LONGEST]))


def overlap(one: str, other: str) -> bool:
    """Whether some text fits both patterns.

    >>> overlap("pixel*", "*7"), overlap("pixel 6", "pixel 7*")
    (True, False)
    """
    return _meet(_tokens(one), _tokens(other))


def literal_characters(pattern: str) -> int:
    """How many characters the pattern names itself."""
    return sum(character not in "*?" for character in pattern)


def _tokens(pattern: str) -> _Tokens:
    wild = {"*": _ANY_TEXT, "?": _ANY_CHARACTER}
    return [wild.get(character, character) for character in pattern.casefold()]


def _meet(one: _Tokens, other: _Tokens) -> bool:
    row = [True] + [False] * len(other)  # row[j]: what was walked of `one` and other[:j] can be the same text
    for j, token in enumerate(other):
        row[j + 1] = row[j] and token is _ANY_TEXT
    for token in one:
        row = _next_row(row, token, other)
    return row[-1]


def _next_row(row: list[bool], token: str, other: _Tokens) -> list[bool]:
    following = [row[0] and token is _ANY_TEXT]
    for j, theirs in enumerate(other):
        if _ANY_TEXT in (token, theirs):
            following.append(row[j + 1] or following[j])  # either may be empty, or swallow the other's token
        else:
            is_same = token == theirs or _ANY_CHARACTER in (token, theirs)
            following.append(row[j] and is_same)
    return following
