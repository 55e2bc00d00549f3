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

from ispd.decode.dng.codes import UNCOMPRESSED
from ispd.decode.dng.jpeg import damage, is_whole
from ispd.decode.dng.layout import read_layout
from ispd.decode.dng.levels import black_from_masked, masked_areas
from ispd.decode.dng.shot import raw_of, shot_from_dng
from ispd.decode.dng.tags import Memory, is_tiff, read_tiff
from ispd.decode.readers import flash, libraw
from ispd.decode.readers.picture import Damaged, Dng, Picture, Sized, Unreadable
from ispd.decode.readers.soundness import check_end, check_size, doubts
from ispd.decode.whole import check_source
from ispd.errors import IncompletePhoto, PhotoError

__all__ = ["Picture", "names", "read"]

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
    warnings = check_source(Memory(data))
    dng = _dng(data)
    if dng is not None:
        warnings += damage(Memory(data), dng.layout)

    def within_limits(width: int, height: int, planes: int) -> None:
        check_size(width, height, planes, len(data))
        sized(width, height, planes)

    warnings += tuple(f"{reader} crashed on this file: another reader decoded it" for reader in leave_out)
    picture = _first_that_can(data, dng, leave_out, trying, within_limits)
    if dng is None and picture.reader == libraw.NAME and FLASHRAW not in leave_out:
        trying(FLASHRAW)
        picture = _confirmed(data, picture, within_limits)
    if dng is not None:
        picture = _with_measured_black(picture, dng)
    said = (*warnings, *picture.warnings, *doubts(picture.samples))
    return replace(picture, warnings=tuple(dict.fromkeys(said)))


def _dng(data: bytes) -> Dng | None:
    """What a DNG says of itself; None for another maker's raw."""
    tiff = read_tiff(data) if is_tiff(data[:8]) else None
    if tiff is None or not tiff.is_dng:
        return None
    shot, warnings = shot_from_dng(tiff)
    return Dng(tiff, read_layout(raw_of(tiff)), shot, warnings)


def _first_that_can(
    data: bytes, dng: Dng | None, leave_out: tuple[str, ...], trying: Callable[[str], None], sized: Sized
) -> Picture:
    refusals = []
    doubt: Damaged | None = None
    for reader in _order(dng):
        if reader in leave_out:
            refusals.append(f"{reader} crashed")
            continue
        trying(reader)
        try:
            picture = READ[reader](data, dng, sized)
            return _doubted(picture, doubt) if doubt else picture
        except Damaged as error:
            # LibRaw makes pictures of rubbish, and of memory that it never filled, so this is final; but lossless JPEG
            # that is whole from mark to mark may be an encoder's dialect
            if dng is None or not is_whole(Memory(data), dng.layout):
                raise PhotoError(f"the file's image data are damaged ({reader}: {error})") from error
            doubt = error
            refusals.append(f"{reader}: {error}")
        except Unreadable as error:
            refusals.append(f"{reader}: {error}")
    raise PhotoError(f"no reader can decode this {'DNG' if dng else 'file'} ({'; '.join(refusals)})")


def _confirmed(data: bytes, picture: Picture, sized: Sized) -> Picture:
    try:
        return flash.confirm(data, picture, sized)
    except (Damaged, IncompletePhoto) as error:
        check_end(data)
        return _doubted(picture, error)
    except Unreadable:
        check_end(data)
        return picture


def _doubted(picture: Picture, error: Exception) -> Picture:
    """One reader's word against the other's, on a file that is whole by its structure: somebody should look at it."""
    warning = f"part of the picture may be damaged ({flash.NAME}: {error}); check it"
    return replace(picture, warnings=(*picture.warnings, warning))


def _with_measured_black(picture: Picture, dng: Dng) -> Picture:
    """Where the file states no black level but has masked borders, the black that these recorded."""
    areas = masked_areas(raw_of(dng.tiff), dng.layout)
    return replace(picture, shot=black_from_masked(picture.shot, picture.samples, areas)) if areas else picture


def _order(dng: Dng | None) -> tuple[str, str]:
    if dng is None or (dng.layout.compression == UNCOMPRESSED and not dng.layout.floating):
        return LIBRAW, FLASHRAW
    return FLASHRAW, LIBRAW
