"""What daemon and engine say to each other: 4 bytes of length, then one JSON message.  Pixels never cross.

daemon ─▶ engine    Work; closing the socket means stop
engine ─▶ daemon    Hello once what renders is loaded, Beat while it lives, Done for every order, Farewell if it must go
"""

from __future__ import annotations

import struct
from typing import TypeAlias

import msgspec

from ispd.errors import MachineError
from ispd.orders import Order, Report

LENGTH = struct.Struct(">I")
LARGEST = 32 * 1024 * 1024  # an order carries a whole profile; one with a large color lattice has a few MB


class Work(msgspec.Struct, frozen=True, tag="work"):
    """Develop this."""

    order: Order


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The engine stands, with what it will render on."""

    device: str
    unconfined: tuple[str, ...] = ()  # what this machine lacks to lock the decoders in


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The engine is alive; `jobs` are those whose pixels it has in hand, which are to blame if it dies now."""

    jobs: tuple[int, ...] = ()


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The answer to one order."""

    report: Report


class Farewell(msgspec.Struct, frozen=True, tag="farewell"):
    """The engine ends by itself, and why."""

    sentence: str


Message: TypeAlias = Work | Hello | Beat | Done | Farewell

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class BrokenWire(MachineError):
    """The other side sent what no ispd sends: do not trust it further."""


def pack(message: Message) -> bytes:
    """The bytes of one message.  Raises BrokenWire above `LARGEST` bytes."""
    body = msgspec.json.encode(message)
    if len(body) > LARGEST:
        raise BrokenWire(f"a message of {len(body)} bytes is more than the {LARGEST} that an engine takes")
    return LENGTH.pack(len(body)) + body


class Inbox:
    """Puts messages together from whatever pieces the socket yields.

    >>> inbox = Inbox()
    >>> sent = pack(Beat((7,)))
    >>> inbox.feed(sent[:3]), inbox.feed(sent[3:] + sent)
    ([], [Beat(jobs=(7,)), Beat(jobs=(7,))])
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now.  Raises BrokenWire on a length or a text that cannot be one."""
        self._bytes += data
        messages: list[Message] = []
        while (body := self._next_body()) is not None:
            try:
                messages.append(_decoder.decode(body))
            except msgspec.DecodeError as error:
                raise BrokenWire(f"a message that is none: {error}") from error
        return messages

    def _next_body(self) -> bytes | None:
        if len(self._bytes) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._bytes)
        if length > LARGEST:
            raise BrokenWire(f"a message of {length} bytes is more than the {LARGEST} that are agreed")
        if len(self._bytes) < LENGTH.size + length:
            return None
        body = bytes(self._bytes[LENGTH.size : LENGTH.size + length])
        del self._bytes[: LENGTH.size + length]
        return body
