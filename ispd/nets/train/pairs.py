"""A data set of mosaics with the pictures that are wanted of them, as published: N.png (16 bit, RGGB) and N.jpg.

SPLIT/raw/0.png   SPLIT/groundtruth/0.jpg   …
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ispd.errors import NoInput
from ispd.nets.bayer import pack_bayer

MODES = ("I;16", "I;16B", "I", "L")
TOLD = 5  # mistakes of a set that are told one by one


@dataclass(frozen=True)
class Pair:
    """One mosaic and the picture that is wanted of it."""

    name: str
    mosaic: Path
    picture: Path


def find_pairs(split: Path, folders: tuple[str, str], multiple: int, smallest: int) -> list[Pair]:
    """All pairs of a split in the order of their numbers, every file's head read, all of one size.

    Raises NoInput where there are none, one is missing or of another size, or sides are below
    `smallest` or no multiple of `multiple`.
    """
    mosaics, pictures = ({path.stem: path for path in (split / name).glob("*.*")} for name in folders)
    if not mosaics and not pictures:
        raise NoInput(f"there are no pairs in {split / folders[0]} and {split / folders[1]}")
    wrong = [f"{mosaics[stem]} has no picture in {folders[1]}" for stem in sorted(mosaics.keys() - pictures.keys())]
    wrong += [f"{pictures[stem]} has no mosaic in {folders[0]}" for stem in sorted(pictures.keys() - mosaics.keys())]
    names = sorted(mosaics.keys() & pictures.keys(), key=lambda stem: (len(stem), stem))
    pairs = [Pair(name, mosaics[name], pictures[name]) for name in names]
    size: tuple[int, int] | None = None
    for pair in pairs:
        first, second = _size(pair.mosaic, MODES), _size(pair.picture, ("RGB",))
        size = size or first
        if first != second:
            wrong.append(f"{pair.mosaic} is {_words(first)}, its picture {_words(second)}")
        elif first != size:
            wrong.append(f"{pair.mosaic} is {_words(first)}, others {_words(size)}")
    if size is not None and any(side % multiple or side < smallest for side in size):
        wrong.append(f"{_words(size)}: sides must be multiples of {multiple}, {smallest} at least")
    if wrong:
        more = f"; and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        raise NoInput("; ".join(wrong[:TOLD]) + more)
    return pairs


def _size(path: Path, modes: tuple[str, ...]) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            if image.mode not in modes:
                raise NoInput(f"{path} is {image.mode}, not {' or '.join(modes)}")
            return image.size
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise NoInput(f"{path} cannot be read: {error}") from error


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def load_pair(pair: Pair, level: int, smooth: Image.Resampling) -> tuple[Tensor, Tensor]:
    """Planes (4, H/2, W/2), and the picture (3, H/2^level, W/2^level) in [0, 1].  Raises NoInput.

    A coarser level's picture is made smaller in 8 bits, as published.
    """
    try:
        with Image.open(pair.mosaic) as image:
            mosaic = np.asarray(image).astype(np.int32)
        with Image.open(pair.picture) as image:
            small = image.resize((image.width >> level, image.height >> level), smooth) if level else image
            picture = np.array(small)
    except (OSError, SyntaxError) as error:  # Pillow calls a broken PNG a SyntaxError
        raise NoInput(f"{pair.mosaic} or its picture cannot be read: {error}") from error
    return pack_bayer(torch.from_numpy(mosaic), "RGGB"), torch.from_numpy(picture).permute(2, 0, 1) / 255
