"""Pairs: which picture shows how which raw shall look, by names, else by the moment both say they were taken.

IMG_1.DNG + IMG_1.JPG              the same stem, in any case; also IMG_1.DNG.jpg
X.RAW-02.ORIGINAL.dng + X.RAW-01.COVER.jpg      Google's phones
anything else                      the same second, fraction of it, and serial number, if that is unambiguous
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ispd.decode.names import is_ignored, is_raw, is_reference, rank, stem, suffix
from ispd.errors import IspdError, NoInput, NotPermitted
from ispd.fit.sample import Refused
from ispd.metadata.exiftool import ExifTool
from ispd.metadata.facts import facts_from_exiftool
from ispd.sentences import shown

HEIC = (b"heic", b"heif", b"hif")
MOST_BY_TIME = 2000  # files that are asked for their moment


@dataclass(frozen=True)
class Candidate:
    """A raw, and the picture that may show how it shall look; None: the raw's own preview."""

    raw: bytes  # absolute paths
    reference: bytes | None


def find(
    folder: Path, references: Path | None = None, *, previews: bool = False, door: ExifTool
) -> tuple[list[Candidate], list[Refused]]:
    """All pairs in a folder and below it, in the order of their names; raws without a picture are no pairs.

    `references`: where the pictures are, if elsewhere; `previews`: every raw's own preview is its picture.
    Raises NoInput where a folder cannot be read.
    """
    raws = [path for path in _files(folder) if is_raw(path)]
    if previews:
        return [Candidate(raw, None) for raw in raws], []
    pictures = [path for path in _files(references or folder) if is_reference(path)]
    return _matched(raws, pictures, anywhere=references is not None, door=door)


def _matched(
    raws: list[bytes], pictures: list[bytes], *, anywhere: bool, door: ExifTool
) -> tuple[list[Candidate], list[Refused]]:
    """`anywhere`: a raw and its picture need not lie in one folder."""
    by_stem: defaultdict[tuple[bytes, bytes], list[bytes]] = defaultdict(list)
    for picture in pictures:
        by_stem[_key(picture, anywhere=anywhere)].append(picture)
    pairs, refused, alone, used = [], [], [], set()
    for raw in raws:
        named = sorted(by_stem.get(_key(raw, anywhere=anywhere), []), key=rank)
        if len({os.path.dirname(picture) for picture in named}) > 1:
            named = _of_one_folder(raw, named, door)
        if not named:
            alone.append(raw)
        elif suffix(named[0]) in HEIC:
            name = shown(os.path.basename(named[0]))
            refused.append(Refused(raw, named[0], f"{name}: HEIC cannot be read: save it as JPEG, TIFF or PNG"))
            used.update(named)
        else:
            pairs.append(Candidate(raw, named[0]))
            used.update(named)
    free = [picture for picture in pictures if picture not in used and suffix(picture) not in HEIC]
    pairs += _by_moment(alone, free, door)
    return sorted(pairs, key=lambda pair: pair.raw), refused


def _of_one_folder(raw: bytes, named: list[bytes], door: ExifTool) -> list[bytes]:
    """Cameras count to 9999 and begin anew, so several folders may have a picture of that name: those are taken whose
    folder is called as the raw's, else those of the same moment; all, where neither tells."""
    folder = os.path.basename(os.path.dirname(raw))
    if alike := [picture for picture in named if os.path.basename(os.path.dirname(picture)) == folder]:
        return alike
    moment = _moment(raw, door)
    return [picture for picture in named if moment and moment.agrees(_moment(picture, door))] or named


def _key(path: bytes, *, anywhere: bool) -> tuple[bytes, bytes]:
    return (b"" if anywhere else os.path.dirname(path), stem(path))


def _by_moment(raws: list[bytes], pictures: list[bytes], door: ExifTool) -> list[Candidate]:
    """Pairs of those that no name joins; a moment that two pictures or two raws share joins nothing."""
    if not raws or not pictures or len(raws) + len(pictures) > MOST_BY_TIME:
        return []
    shot: defaultdict[str, list[tuple[bytes, Moment]]] = defaultdict(list)
    for raw in raws:
        if (moment := _moment(raw, door)) is not None:
            shot[moment.second].append((raw, moment))
    shown: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for picture in pictures:
        moment = _moment(picture, door)
        same = [raw for raw, other in shot.get(moment.second, []) if moment.agrees(other)] if moment else []
        if len(same) == 1:
            shown[same[0]].append(picture)
    return [Candidate(raw, found[0]) for raw, found in shown.items() if len(found) == 1]


@dataclass(frozen=True)
class Moment:
    """When, and by which body; "" where a file does not say."""

    second: str
    fraction: str
    serial: str

    def agrees(self, other: Moment | None) -> bool:
        """Whether it is the same second, and nothing that both say differs."""
        if other is None or self.second != other.second:
            return False
        said = ((self.fraction, other.fraction), (self.serial, other.serial))
        return all(not mine or not theirs or mine == theirs for mine, theirs in said)


def _moment(path: bytes, door: ExifTool) -> Moment | None:
    try:
        tags = door.read(os.path.realpath(path))
    except IspdError:  # it says so itself when it is looked at as a photo; here it only joins nothing
        return None
    facts = facts_from_exiftool(tags)
    fraction = str(tags.get("ExifIFD:SubSecTimeOriginal", "")).strip().rstrip("0")
    return Moment(facts.captured, fraction, facts.serial) if facts.captured else None


def _files(folder: Path) -> list[bytes]:
    """Every file below, and links to files; hidden and foreign ones and links to folders aside; sorted."""
    return sorted(_below(os.fsencode(folder.absolute())))


def _below(folder: bytes) -> Iterable[bytes]:
    for entry in _entries(folder):
        if is_ignored(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path)
        elif entry.is_file():
            yield entry.path


def _entries(folder: bytes) -> list[os.DirEntry[bytes]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        raise NoInput(f"the folder {shown(folder)} is not there") from None
    except NotADirectoryError:
        raise NoInput(f"{shown(folder)} is no folder: name the one that holds the raws") from None
    except OSError as error:
        raise NotPermitted(f"the folder {shown(folder)} cannot be read: {error.strerror}") from error
