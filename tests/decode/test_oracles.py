"""Every DNG sample by every reader, against tifffile and imagecodecs, which know nothing of raws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from ispd.decode import readers
from ispd.decode.dng.codes import LOSSY_JPEG, Tag
from ispd.decode.dng.layout import read_layout
from ispd.decode.dng.shot import raw_of
from ispd.decode.dng.tags import read_tiff
from ispd.errors import PhotoError
from ispd.isp.values import MapPolynomial
from tests.conftest import SHARED

RAW = SHARED / "samples" / "raw"
SAMPLES = sorted(str(path.relative_to(RAW)) for path in [*RAW.glob("*.dng"), *RAW.glob("variants/*.dng")])
REFUSED = "opcode_unknown_required.dng"  # chapter 7

LIBRAW, FLASHRAW = "LibRaw", "flashraw"
LEFT_OUT = {LIBRAW: (FLASHRAW,), FLASHRAW: (LIBRAW,)}

LIBRAW_REFUSES = {  # and what it would do otherwise
    "bayer_jxl_lossless_52546.dng": "Unsupported",
    "linear_jxl_lossy_52546.dng": "Unsupported",
    "bayer_deflate16.dng": "Corrupted",
    "bayer_float16_deflate.dng": "integers",  # makes 14-bit integers of floats
    "bayer_float32_deflate.dng": "integers",
    "linear_float16_hdr_deflate.dng": "integers",
    "nikon_d500_lossy_black_frame.dng": "black level",  # forgets it before MapPolynomial; chapter 5: black first
    "synthetic_lossy_34892.dng": "curve",  # adds an sRGB curve; chapter 5 knows LinearizationTable alone
}
ROUNDED = {  # mean and greatest difference in codes, where two decoders of lossy data round differently
    "blackmagic_pocket4k_ljpeg.dng": (1.0, 2000.0),  # for all its name a DCT JPEG of 12 bits, then a table up to 65535
    "linear_jxl_lossy_52546.dng": (0.01, 1.0),
}
LOSSY = 0.5, 51.0  # of 255: chroma is blown up differently, too

pytestmark = pytest.mark.skipif(not SAMPLES, reason=f"the shared samples are not here: {SHARED}")


def stored(path: Path) -> NDArray[np.float64]:
    """(planes, H, W): the codes, through the LinearizationTable (chapter 5: it comes first)."""
    tiff = read_tiff(path.read_bytes())
    raw = raw_of(tiff)
    with tifffile.TiffFile(path) as file:
        pages = [file.pages.first, *(file.pages.first.pages or ())]
        (page,) = (page for page in pages if page.offset == raw.offset)
        codes = page.asarray()
    planes = codes[None] if codes.ndim == 2 else codes.transpose(2, 0, 1)
    if Tag.LinearizationTable in raw:
        table = raw.array(Tag.LinearizationTable)
        planes = table[planes.astype(int).clip(max=len(table) - 1)]
    as_floats: NDArray[np.float64] = planes.astype(np.float64)
    return as_floats


@pytest.mark.parametrize("reader", [LIBRAW, FLASHRAW])
@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.endswith(REFUSED)])
def test_a_reader_gives_the_codes_that_are_stored(name: str, reader: str) -> None:
    path = RAW / name

    def decoded() -> readers.Picture:
        return readers.read(path.read_bytes(), LEFT_OUT[reader], lambda _: None, lambda *_: None)

    if reader == LIBRAW and path.name in LIBRAW_REFUSES:
        with pytest.raises(PhotoError, match=LIBRAW_REFUSES[path.name]):
            decoded()
        return
    picture, codes = decoded(), stored(path)
    assert picture.shot.levels.table == ()  # both readers have applied it
    lossy = read_layout(raw_of(read_tiff(path.read_bytes()))).compression == LOSSY_JPEG
    if reader == LIBRAW and lossy:  # it has applied MapPolynomial too, onto 0…65535 (chapter 5: opcode list 2 is last)
        codes = mapped(path, codes) * 65535
        assert np.abs(picture.samples - codes).mean() < 65535 * 0.002
        return
    assert picture.samples.shape == codes.shape
    off = np.abs(picture.samples - codes)
    mean, most = ROUNDED.get(path.name, LOSSY if lossy else (0.0, 0.0))
    assert off.mean() <= mean
    assert off.max() <= most


def mapped(path: Path, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light in [0, 1] through the file's MapPolynomial."""
    picture = readers.read(path.read_bytes(), (LIBRAW,), lambda _: None, lambda *_: None)
    light: NDArray[np.float64] = codes / np.array(picture.shot.levels.white)[:, None, None]
    for opcode in picture.shot.opcodes2:
        assert isinstance(opcode, MapPolynomial)
        plane = opcode.region.plane
        light[plane] = np.polynomial.polynomial.polyval(light[plane], opcode.coefficients).clip(0, 1)
    return light


def test_the_order_of_the_readers_is_the_one_that_this_supports() -> None:
    """All that LibRaw refuses or would get wrong is compressed; flashraw refuses none of these."""
    for name in SAMPLES:
        layout = read_layout(raw_of(read_tiff((RAW / name).read_bytes())))
        if Path(name).name in LIBRAW_REFUSES:
            assert layout.compression != 1
