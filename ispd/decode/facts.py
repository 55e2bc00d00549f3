"""What the daemon asks of a file before anything is decoded: is it all there, and what does it say of itself?

Files are opened so that nothing can go wrong: links are not followed, a FIFO does not block, only regular files are
read, and they are read rather than mapped, since a file cut while it is mapped kills the process.

Source  EXIF 2.32, DNG 1.7.1; lseek(2) for holes
"""

from __future__ import annotations

import errno
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.shot import iso_of, orientation_of
from ispd.decode.dng.tags import Ifd, OpenFile, Tiff, is_tiff, read_tiff
from ispd.decode.whole import BLANK, check_source
from ispd.errors import IncompletePhoto, MachineError, NoInput, NotPermitted, PhotoError
from ispd.orders import Facts

MOST_HOLES = 1024


def read_facts(path: bytes) -> Facts | None:
    """What a DNG's tags say.  None: no DNG; exiftool knows other makers' formats and their notes better.

    Raises IncompletePhoto or PhotoError where a DNG cannot be read, NoInput, NotPermitted or MachineError where the
    file cannot.
    """
    with open_photo(path) as file:
        if not is_tiff(file.read(0, 8)):
            return None
        tiff = read_tiff(file)
        return facts_from_dng(tiff) if tiff.is_dng else None


def facts_from_dng(tiff: Tiff) -> Facts:
    """The facts that a DNG's tags state; what makes no sense is left empty."""
    first, exif, raw = tiff.first, tiff.of("exif") or tiff.first, tiff.raw or tiff.first
    return Facts(
        make=first.text(Tag.Make),
        model=first.text(Tag.Model),
        unique_model=first.text(Tag.UniqueCameraModel),
        lens=exif.text(Tag.LensModel),
        serial=exif.text(Tag.BodySerialNumber) or first.text(Tag.CameraSerialNumber),
        iso=iso_of(tiff),
        exposure_seconds=_positive(exif, Tag.ExposureTime),
        f_number=_positive(exif, Tag.FNumber),
        focal_length_mm=_positive(exif, Tag.FocalLength),
        distance_m=_positive(exif, Tag.SubjectDistance),
        warmth=_warmth(tiff),
        captured=_captured(tiff),
        width=raw.integer(Tag.ImageWidth, 0),
        height=raw.integer(Tag.ImageLength, 0),
        orientation=orientation_of(tiff)[0],
        warnings=tiff.warnings,
    )


def check_whole(path: bytes) -> tuple[str, ...]:
    """Whether a raw file has all its bytes, by its structure; gives warnings.

    Raises IncompletePhoto where bytes may still come, PhotoError where it will never be a photo, NoInput, NotPermitted
    or MachineError where it cannot be read.
    """
    with open_photo(path) as file:
        warnings = check_source(file, path)
        _check_holes(file)
        return warnings


@contextmanager
def open_photo(path: bytes) -> Iterator[OpenFile]:
    """A regular file, open for reading.  Raises NoInput, PhotoError, NotPermitted or MachineError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _named(error) from error
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError(f"{_kind(status.st_mode)}, not a file")
        yield OpenFile(fd, status.st_size)
    except OSError as error:
        raise _named(error) from error
    finally:
        os.close(fd)


def holes(file: OpenFile) -> list[tuple[int, int]]:
    """(start, end) of the parts of a file that were never written: a copy that is still filling its space."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < file.size and len(found) < MOST_HOLES:
        start = os.lseek(file.fd, at, os.SEEK_HOLE)
        if start >= file.size:
            break
        try:
            at = os.lseek(file.fd, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # no data after the hole: it reaches the end
                raise
            at = file.size
        found.append((start, at))
    return found


def _check_holes(file: OpenFile) -> None:
    # smaller ones inside can be rsync --sparse's way to store a black border
    if any(end == file.size or end - start >= BLANK for start, end in holes(file)):
        raise IncompletePhoto("a part of the file was never written: it is still arriving")


def _named(error: OSError) -> NoInput | PhotoError | NotPermitted | MachineError:
    """The system's error as ours, by what happens next."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NoInput("the file is not there")
    if error.errno == errno.ELOOP:
        return PhotoError("a link, not a file: ispd does not follow links")
    if error.errno in (errno.ENXIO, errno.ENODEV, errno.EISDIR):
        return PhotoError("a socket, device or folder, not a file")
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermitted("the file may not be read: ispd runs as another user than the file's owner")
    return MachineError(f"the file cannot be read now: {error.strerror}")


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"


def _positive(ifd: Ifd, tag: Tag) -> float | None:
    value = ifd.number(tag)
    return value if math.isfinite(value) and value > 0 else None


def _warmth(tiff: Tiff) -> float | None:
    """Of the as-shot neutral; None where the file gives none of three colors."""
    neutral = tiff.holder(Tag.AsShotNeutral).numbers(Tag.AsShotNeutral, 3)
    if len(neutral) != 3 or not all(math.isfinite(part) and part > 0 for part in neutral):
        return None
    return math.log2(neutral[0] / neutral[2])


def _captured(tiff: Tiff) -> str:
    """ "2026-03-29T02:30:00", or "" where no date is a date."""
    exif = tiff.of("exif") or tiff.first
    for ifd, tag in ((exif, Tag.DateTimeOriginal), (exif, Tag.DateTimeDigitized), (tiff.first, Tag.DateTime)):
        try:
            return datetime.strptime(ifd.text(tag, 19), "%Y:%m:%d %H:%M:%S").isoformat()
        except ValueError:
            continue
    return ""
