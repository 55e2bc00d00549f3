"""The readers: untrusted bytes in, samples and their Shot out.  Runs in the cell's child, and nowhere else for photos.

Two libraries read raws, and neither reads all.  Which goes first is decided by what has been measured (rawpy 0.28 with
LibRaw 0.22.2, flashraw 0.1.0):

    a DNG, uncompressed           LibRaw, then flashraw    LibRaw notices when such data end
    a DNG, compressed or float    flashraw, then LibRaw    LibRaw decodes cut lossy data in silence, refuses JPEG XL,
                                                           integer deflate and VC-5, and rounds floats
    another maker's raw           LibRaw, then flashraw    LibRaw's levels and matrices; compressed data that LibRaw
                                                           decodes are confirmed by flashraw where it can
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ispd.decode.dng.layout import MOST_PIXELS, Layout, check_dng_layout, check_inside, read_layout
from ispd.decode.dng.shot import shot_from_dng
from ispd.decode.dng.tags import Tiff, read_tiff
from ispd.decode.readers import flash, libraw
from ispd.decode.readers.picture import Damaged, Dng, Picture, Sized, Unreadable
from ispd.decode.readers.soundness import MOST_PLANES, UNCOMPRESSED, check_size, check_tails, doubts, holes
from ispd.errors import IncompletePhoto, PhotoError

__all__ = ["MOST_PIXELS", "MOST_PLANES", "Picture", "names", "read"]

LIBRAW, FLASHRAW = "LibRaw", "flashraw"
READ = {LIBRAW: libraw.read, FLASHRAW: flash.read}


def names() -> tuple[str, ...]:
    """The readers with their versions.  Raises MissingTool where LibRaw is too old to be safe."""
    libraw.check_version()
    return (libraw.NAME, flash.NAME)


def read(data: bytes, leave_out: tuple[str, ...], trying: Callable[[str], None], sized: Sized) -> Picture:
    """Decode a raw file.

    `leave_out` names readers that crashed on it, `trying` hears which reader gets the bytes next, `sized` the size
    before pixels are unpacked.  Raises IncompletePhoto or PhotoError with what every reader said.
    """
    tiff = _directories(data)
    dng, warnings = (None, ()) if tiff is None or not tiff.is_dng else _stored(tiff, data)

    def within_limits(width: int, height: int, planes: int) -> None:
        check_size(width, height, planes, len(data))
        sized(width, height, planes)

    refusals = []
    for reader in _order(dng):
        if reader in leave_out:
            refusals.append(f"{reader} crashed")
            continue
        trying(reader)
        try:
            picture = READ[reader](data, dng, within_limits)
        except Damaged as error:  # final: LibRaw makes pictures of rubbish, and of memory that it never filled
            raise PhotoError(f"the file's image data are damaged ({reader}: {error})") from error
        except Unreadable as error:
            refusals.append(f"{reader}: {error}")
            continue
        if dng is None and reader == LIBRAW and FLASHRAW not in leave_out:
            trying(FLASHRAW)
            warnings += _confirmed(data, tiff, within_limits)
        return replace(picture, warnings=(*warnings, *picture.warnings, *doubts(picture.samples)))
    raise PhotoError(f"{_kind(data, tiff)} ({'; '.join(refusals)})")


def _directories(data: bytes) -> Tiff | None:
    """The file's TIFF structure; None where it has another."""
    if not data:
        raise IncompletePhoto("the file is empty: it is still arriving, or nothing came")
    if data[:2] not in (b"II", b"MM"):
        return None
    try:
        return read_tiff(data)
    except IncompletePhoto:
        raise
    except PhotoError:  # CRW and others begin like a TIFF
        return None


def _stored(tiff: Tiff, data: bytes) -> tuple[Dng, tuple[str, ...]]:
    """How a DNG's pixels are stored, once they prove to be there."""
    if tiff.raw is None:
        if tiff.cut:
            raise IncompletePhoto("the file ends before its list of contents: it is cut short or still arriving")
        raise PhotoError("the file is a DNG without a raw picture")
    layout = read_layout(tiff.raw)
    check_dng_layout(layout)
    warnings = check_inside(layout, len(data))
    check_tails(layout, data)
    shot, about_shot = shot_from_dng(tiff)
    return Dng(tiff, layout, shot, about_shot), (*warnings, *holes(layout, data))


def _order(dng: Dng | None) -> tuple[str, str]:
    if dng is None or (dng.layout.compression == UNCOMPRESSED and not dng.layout.floating):
        return LIBRAW, FLASHRAW
    return FLASHRAW, LIBRAW


def _confirmed(data: bytes, tiff: Tiff | None, sized: Sized) -> tuple[str, ...]:
    """Warnings about another maker's raw that LibRaw has decoded; raises IncompletePhoto where bytes are missing."""
    found = flash.confirm(data, sized)
    if found is None and (layout := _declared(tiff)) is not None:
        check_inside(layout, len(data))
        check_tails(layout, data)
    return found or ()


def _declared(tiff: Tiff | None) -> Layout | None:
    """Where another maker's TIFF says that its raw picture lies, if it does say so as a DNG would."""
    try:
        return read_layout(tiff.raw) if tiff is not None and tiff.raw is not None else None
    except PhotoError:
        return None


def _kind(data: bytes, tiff: Tiff | None) -> str:
    """What the file is, for somebody who named it as a raw."""
    if data.startswith(b"\xff\xd8\xff"):
        return "this is a JPEG picture, not a raw photo"
    if data.startswith(b"\x89PNG"):
        return "this is a PNG picture, not a raw photo"
    if tiff is not None and tiff.is_dng:
        return "this DNG cannot be decoded"
    if tiff is not None and tiff.raw is None:
        return "this is a TIFF, but not a raw photo that ispd knows"
    return "this is not a raw photo that ispd can read"
