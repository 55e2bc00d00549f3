"""What comes out of the readers: every sample, each encoding of the same picture, each reader against the other."""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import rawpy
import tifffile
from numpy.typing import NDArray

from ispd.decode import readers
from ispd.decode.cell import Cell, Decoded
from ispd.decode.dng.codes import Tag
from ispd.decode.dng.layout import read_layout
from ispd.decode.dng.shot import raw_of
from ispd.decode.dng.tags import read_tiff
from ispd.decode.readers import flash, libraw
from ispd.decode.readers.makers import Sensor, shot_of
from ispd.decode.readers.picture import Dng, Picture, Unreadable
from ispd.decode.readers.soundness import doubts
from ispd.errors import PhotoError
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.values import Area, GainMap
from ispd.simulate.tiff import Entry, Kind
from tests.conftest import Dng as DngFactory
from tests.decode.linear import light_of, linear, means

LIBRAW, FLASHRAW = "LibRaw", "flashraw"


@dataclass(frozen=True)
class Sample:
    """What is known of a sample without us: its README, exiftool, and the camera's own JPEG."""

    shape: tuple[int, int, int]  # planes, height, width
    reader: str
    cfa: str
    picture: tuple[int, int]  # width, height of the crop
    orientation: int = 1
    pixel_aspect: float = 1.0


SAMPLES = {
    "blackmagic_pocket4k_ljpeg.dng": Sample((1, 2176, 4128), FLASHRAW, "RGGB", (4096, 2160)),
    "canon_6d_lossy_linear.dng": Sample((3, 816, 1224), FLASHRAW, "", (1224, 816)),
    "canon_eos_d30.CRW": Sample((1, 1456, 2224), LIBRAW, "RGGB", (2160, 1440)),
    "canon_g1_gmcy.CRW": Sample((1, 1560, 2144), LIBRAW, "GMYC", (2048, 1535)),
    "canon_kiss_x4_magiclantern_colorchart.dng": Sample((1, 1182, 1888), LIBRAW, "RGGB", (1734, 1156)),
    "canon_s40_CRW_0117.CRW": Sample((1, 1728, 2376), LIBRAW, "RGGB", (2272, 1704)),
    "gopro_hero7_GOPR8513.GPR": Sample((1, 3000, 4000), FLASHRAW, "RGGB", (4000, 3000), orientation=2),
    "kodak_dc120_compressed.KDC": Sample((1, 976, 848), LIBRAW, "GRBG", (848, 976), pixel_aspect=976 / 848 * 4 / 3),
    "kodak_dc50.KDC": Sample((1, 512, 768), LIBRAW, "GRBG", (768, 512)),
    "lg_g4_lossy_linear.dng": Sample((3, 338, 600), FLASHRAW, "", (600, 338)),
    "nikon_d500_lossy_black_frame.dng": Sample((3, 400, 600), FLASHRAW, "", (600, 400)),
    "synthetic_lossy_34892.dng": Sample((3, 168, 256), FLASHRAW, "", (256, 168)),
}


def raw_file(shared: Path, name: str) -> Path:
    return shared / "samples" / "raw" / name


def variant(shared: Path, name: str) -> Path:
    return shared / "samples" / "raw" / "variants" / name


def by(reader: str, path: Path) -> Picture:
    """Decoded by that reader alone, here and now."""
    leave_out = (FLASHRAW,) if reader == LIBRAW else (LIBRAW,)
    return readers.read(path.read_bytes(), leave_out, lambda reader: None, lambda width, height, planes: None)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_decodes_to_what_is_known_of_it(shared: Path, cell: Cell, name: str) -> None:
    known = SAMPLES[name]
    decoded = cell.decode(os.fsencode(raw_file(shared, name)))
    shot = decoded.shot
    assert decoded.samples.shape == known.shape
    assert decoded.reader.startswith(known.reader)
    assert (shot.cfa, shot.orientation) == (known.cfa, known.orientation)
    assert shot.pixel_aspect == pytest.approx(known.pixel_aspect, rel=0.01)
    assert (shot.crop.width, shot.crop.height) == known.picture
    light = light_of(decoded)
    assert -0.1 < light.min() <= light.max() <= 1.01
    assert np.allclose(np.sum(shot.rec2020_from_camera, axis=1), 1)


def test_the_samples_of_this_table_are_all_there_are(shared: Path) -> None:
    found = {
        path.name for path in raw_file(shared, "").iterdir() if path.suffix.lower() in (".dng", ".crw", ".kdc", ".gpr")
    }
    assert found == set(SAMPLES)


# --- one reader against the other ------------------------------------------------------------------------------------

BOTH_READ = [
    "blackmagic_pocket4k_ljpeg.dng",
    "canon_6d_lossy_linear.dng",
    "canon_eos_d30.CRW",
    "canon_g1_gmcy.CRW",
    "canon_kiss_x4_magiclantern_colorchart.dng",
    "canon_s40_CRW_0117.CRW",
    "kodak_dc50.KDC",
    "lg_g4_lossy_linear.dng",
    "variants/activearea_odd.dng",
    "variants/bayer_bggr.dng",
    "variants/bayer_gbrg.dng",
    "variants/bayer_grbg.dng",
    "variants/bayer_ljpeg_tiled.dng",
    "variants/bayer_rggb_bigendian.dng",
    "variants/black_delta_hv.dng",
    "variants/black_per_cfa.dng",
    "variants/linear_lossy_34892_mappolynomial.dng",
    "variants/linear_rgb16.dng",
    "variants/linearization_table_8bit.dng",
    "variants/mono_linear16.dng",
    "variants/opcode1_badpixelsconstant.dng",
    "variants/opcode2_gainmap.dng",
    "variants/packed_10bit.dng",
    "variants/packed_12bit.dng",
    "variants/xtrans_6x6.dng",
]


@pytest.mark.parametrize("name", BOTH_READ)
def test_both_readers_see_the_same_light(shared: Path, name: str) -> None:
    one, other = (by(reader, raw_file(shared, name)) for reader in (LIBRAW, FLASHRAW))
    assert one.shot.cfa == other.shot.cfa
    difference = np.abs(linear(one.samples, one.shot) - linear(other.samples, other.shot))
    if "lossy" in name:  # two JPEG decoders differ by a code of 255 here and there
        assert difference.mean() < 0.001
        assert difference.max() < 0.05
    elif name.endswith(".CRW"):  # LibRaw rounds the black level that flashraw measures
        assert difference.max() < 1 / (one.shot.levels.white[0] - max(one.shot.levels.black))
    else:
        assert difference.max() < 1e-9


@pytest.mark.parametrize("name", ["blackmagic_pocket4k_ljpeg.dng", "variants/linearization_table_8bit.dng"])
@pytest.mark.parametrize("reader", [LIBRAW, FLASHRAW])
def test_both_readers_apply_the_linearization_table(shared: Path, tmp_path: Path, name: str, reader: str) -> None:
    """Without the tag they give the stored codes."""
    path = raw_file(shared, name)
    data = path.read_bytes()
    table = read_tiff(data).holder(Tag.LinearizationTable).array(Tag.LinearizationTable).astype(np.uint16)
    short = 3
    named, unknown = struct.pack("<HH", Tag.LinearizationTable, short), struct.pack("<HH", 60000, short)
    assert data.count(named) == 1
    without = tmp_path / "without.dng"
    without.write_bytes(data.replace(named, unknown))
    codes = by(reader, without).samples
    assert codes.max() < 4200
    assert np.array_equal(by(reader, path).samples, table[codes.clip(max=len(table) - 1)])


@pytest.mark.parametrize(
    "name", ["bayer_jxl_lossless_52546", "linear_jxl_lossy_52546", "bayer_deflate16", "bayer_float32_deflate"]
)
def test_what_only_flashraw_reads_is_what_tifffile_reads(shared: Path, cell: Cell, name: str) -> None:
    path = variant(shared, f"{name}.dng")
    expected = tifffile.TiffFile(path).pages[0].asarray()
    expected = expected[None] if expected.ndim == 2 else expected.transpose(2, 0, 1)
    decoded = cell.decode(os.fsencode(path))
    assert decoded.reader.startswith(FLASHRAW)
    assert np.abs(decoded.samples.astype(float) - expected).max() <= (1 if "lossy" in name else 0)


def test_floats_above_one_stay(shared: Path, cell: Cell) -> None:
    decoded = cell.decode(os.fsencode(variant(shared, "linear_float16_hdr_deflate.dng")))
    assert decoded.samples.dtype == np.float32
    assert 2.9 < light_of(decoded).max() < 3


@pytest.mark.parametrize(
    "name", ["nikon_d500_lossy_black_frame.dng", "synthetic_lossy_34892.dng", "variants/bayer_float16_deflate.dng"]
)
def test_libraw_is_not_asked_for_what_it_would_get_wrong(shared: Path, name: str) -> None:
    """A black level lost in the mapping, an sRGB curve that nobody asked for, floats made integers."""
    with pytest.raises(PhotoError, match="LibRaw: it would"):
        by(LIBRAW, raw_file(shared, name))


def test_the_curve_that_libraw_adds_is_srgbs(shared: Path) -> None:
    """Lossy data without an opcode: DNG 1.7.1 chapter 5 has no curve but LinearizationTable's, so codes are light."""
    path = raw_file(shared, "synthetic_lossy_34892.dng")
    page = tifffile.TiffFile(path).pages[0]
    codes = imagecodecs.jpeg8_decode(path.read_bytes()[page.dataoffsets[0] :][: page.databytecounts[0]])
    with rawpy.imread(str(path)) as raw:
        theirs = raw.raw_image[: codes.shape[0], : codes.shape[1], :3] / 65535
    straight = codes / 255
    curved = np.where(straight <= 0.04045, straight / 12.92, ((straight + 0.055) / 1.055) ** 2.4)
    assert np.abs(theirs - curved).mean() < 0.005
    assert np.abs(theirs - straight).mean() > 0.05
    ours = by(FLASHRAW, path).samples.transpose(1, 2, 0)
    assert np.abs(ours.astype(float) - codes).max() <= 2


def test_a_matrix_that_libraw_knows_without_telling_is_learned(shared: Path) -> None:
    """From its own picture of the photo; where it tells one, the two are the same."""
    with rawpy.imread(str(raw_file(shared, "canon_s40_CRW_0117.CRW"))) as raw:
        learned, told = (np.array(matrix(raw)) for matrix in (libraw._matrix_by_example, libraw._matrix))
    white = np.array([0.3127 / 0.329, 1.0, 0.3583 / 0.329])
    learned, told = (matrix / (matrix @ white)[:, None] for matrix in (learned, told))
    assert np.allclose(learned, told, atol=0.01)
    assert not any("matrix" in warning for warning in by(LIBRAW, raw_file(shared, "kodak_dc50.KDC")).warnings)


def test_libraws_mapping_is_not_done_twice(shared: Path) -> None:
    shot = by(LIBRAW, variant(shared, "linear_lossy_34892_mappolynomial.dng")).shot
    assert shot.opcodes2 == ()
    assert shot.levels.white == (65535.0,) * 3


def test_corrections_that_no_reader_has_applied_remain(shared: Path, cell: Cell) -> None:
    shot = cell.decode(os.fsencode(variant(shared, "opcode2_gainmap.dng"))).shot
    assert any(isinstance(opcode, GainMap) for opcode in shot.opcodes2)
    assert cell.decode(os.fsencode(variant(shared, "opcode3_fixvignette.dng"))).shot.opcodes3
    assert cell.decode(os.fsencode(variant(shared, "opcode1_badpixelsconstant.dng"))).shot.opcodes1


def test_a_camera_profile_of_adobes_size_comes_through(cell: Cell, dng: DngFactory) -> None:
    values = np.random.default_rng(1).uniform(0.5, 1.5, 90 * 30 * 16 * 3).astype(np.float32)
    tags = (Entry(50981, Kind.LONG, (90, 30, 16)), Entry(50982, Kind.FLOAT, values.tolist()))
    path = dng(change=lambda negative: replace(negative, more=tags))
    profile = cell.decode(os.fsencode(path)).shot.camera_profile
    assert profile is not None
    assert profile.look_table is not None
    assert np.array_equal(np.frombuffer(profile.look_table.nodes, "<f4"), values)


# --- one picture in many encodings -----------------------------------------------------------------------------------

SAME_LIGHT = {  # and by how much of full scale it may differ
    "activearea_odd": 0,
    "bayer_deflate16": 0,
    "bayer_float16_deflate": 2**-12,  # of half floats below 0.5
    "bayer_float32_deflate": 1e-7,
    "bayer_jxl_lossless_52546": 0,
    "bayer_ljpeg_tiled": 0,
    "bayer_rggb_bigendian": 0,
    "black_delta_hv": 1e-9,
    "black_per_cfa": 0,
    "dual_illuminant_forward": 0,
    "linearization_table_8bit": 0.003,  # 8 bits with a square-root table
    "no_matrix": 0,
    "opcode3_warprectilinear": 0,
    "opcode_unknown_optional": 0,
    "packed_10bit": 0,
    "packed_12bit": 0,
    "wb_asshotwhitexy": 0,
    "wb_none": 0,
    "wb_tungsten_wrong": 0,
}


@pytest.fixture(scope="module")
def plain(shared: Path, cell: Cell) -> Decoded:
    return cell.decode(os.fsencode(variant(shared, "bayer_rggb.dng")))


@pytest.mark.parametrize("name", SAME_LIGHT)
def test_an_encoding_does_not_change_the_light(shared: Path, cell: Cell, plain: Decoded, name: str) -> None:
    decoded = cell.decode(os.fsencode(variant(shared, f"{name}.dng")))
    assert np.abs(light_of(decoded) - light_of(plain)).max() <= SAME_LIGHT[name] + 1e-12


@pytest.mark.parametrize("name", ["bayer_bggr", "bayer_gbrg", "bayer_grbg"])
def test_a_filter_that_begins_elsewhere_sees_the_same_colors(
    shared: Path, cell: Cell, plain: Decoded, name: str
) -> None:
    decoded = cell.decode(os.fsencode(variant(shared, f"{name}.dng")))
    assert decoded.shot.cfa == name[-4:].upper()
    assert means(decoded) == pytest.approx(means(plain), rel=0.01)


@pytest.mark.parametrize("name", ["xtrans_6x6", "linear_lossy_34892_mappolynomial", "linear_jxl_lossy_52546"])
def test_the_wider_field_has_the_same_colors_in_each_form(shared: Path, cell: Cell, name: str) -> None:
    wide = cell.decode(os.fsencode(variant(shared, "linear_rgb16.dng")))
    assert means(cell.decode(os.fsencode(variant(shared, f"{name}.dng")))) == pytest.approx(means(wide), rel=0.02)


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
def test_orientation_is_told_and_not_applied(shared: Path, cell: Cell, orientation: int) -> None:
    decoded = cell.decode(os.fsencode(variant(shared, f"bayer_orientation{orientation}.dng")))
    assert decoded.shot.orientation == orientation
    assert decoded.samples.shape == (1, 96, 128)


def test_a_monochrome_file_has_one_color(shared: Path, cell: Cell) -> None:
    decoded = cell.decode(os.fsencode(variant(shared, "mono_linear16.dng")))
    assert (decoded.shot.cfa, decoded.shot.colors, decoded.shot.neutral) == ("", "W", (1.0,))


# --- other makers' raws: levels, balance, matrix ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["canon_s40_CRW_0117.CRW", "canon_eos_d30.CRW", "canon_g1_gmcy.CRW"])
def test_the_shot_renders_as_libraw_does(shared: Path, name: str) -> None:
    """LibRaw's own linear sRGB at half size, against our levels, balance and matrix on the same 2 × 2 sites."""
    path = raw_file(shared, name)
    picture = by(LIBRAW, path)
    with rawpy.imread(str(path)) as raw:
        # where the camera's balance is unusable LibRaw guesses one from the picture: both get the same here
        usable = not any("white balance" in warning for warning in picture.warnings)
        balance: dict[str, Any] = {"use_camera_wb": True} if usable else {"user_wb": raw.daylight_whitebalance}
        theirs = raw.postprocess(
            half_size=True,
            gamma=(1, 1),
            user_flip=0,
            no_auto_bright=True,
            adjust_maximum_thr=0,
            output_bps=16,
            **balance,
        ).astype(float)
    ours = half_size(linear(picture.samples, picture.shot)[0], picture)
    theirs = theirs[: ours.shape[0], : ours.shape[1]]
    # away from what clips, and from the dark, where LibRaw cuts negative light off
    fair = (theirs.min(axis=2) > 1500) & (theirs.max(axis=2) < 30000)
    ratio = theirs[fair] / ours[fair]
    factor = np.median(ratio)
    assert fair.sum() > 10000
    assert np.quantile(np.abs(ratio / factor - 1), 0.95) < 0.03


def half_size(light: NDArray[np.float64], picture: Picture) -> NDArray[np.float64]:
    """(H/2, W/2, 3) linear sRGB: each 2 × 2 sites make one pixel."""
    shot = picture.shot
    height, width = light.shape[0] // 2 * 2, light.shape[1] // 2 * 2
    sites = {color: np.zeros((height // 2, width // 2)) for color in shot.colors}
    for place, color in enumerate(shot.cfa):
        site = light[place // 2 : height : 2, place % 2 : width : 2]
        sites[color] = sites[color] + site / shot.cfa.count(color)
    camera = np.stack([sites[color] for color in shot.colors], axis=-1) / np.asarray(shot.neutral)
    srgb: NDArray[np.float64] = camera @ (rgb_from_rec2020("srgb") @ np.asarray(shot.rec2020_from_camera)).T
    return srgb


def test_an_unusable_white_balance_gives_way_to_daylight(shared: Path, cell: Cell) -> None:
    decoded = cell.decode(os.fsencode(raw_file(shared, "canon_eos_d30.CRW")))
    assert any("white balance" in warning for warning in decoded.warnings)
    assert decoded.shot.neutral[1] == 1
    assert 0.3 < decoded.shot.neutral[0] < 0.7  # a sensor's red is weaker in daylight


def test_four_colors_keep_their_order(shared: Path, cell: Cell) -> None:
    shot = cell.decode(os.fsencode(raw_file(shared, "canon_g1_gmcy.CRW"))).shot
    assert shot.colors == "GMCY"
    assert shot.neutral == pytest.approx((1, 1307 / 1274, 1307 / 838, 1307 / 857), rel=1e-4)


@pytest.mark.parametrize("name", ["canon_s40_CRW_0117.CRW", "canon_g1_gmcy.CRW"])
def test_flashraw_alone_knows_other_makers_too(shared: Path, name: str) -> None:
    one, other = (by(reader, raw_file(shared, name)).shot for reader in (LIBRAW, FLASHRAW))
    assert (one.cfa, one.colors) == (other.cfa, other.colors)
    assert other.neutral == pytest.approx(one.neutral, rel=0.01)
    assert np.allclose(one.rec2020_from_camera, other.rec2020_from_camera, atol=0.01)
    assert other.levels.black == pytest.approx(one.levels.black, abs=1)


def test_a_black_level_that_libraw_does_not_tell_is_flashraws(shared: Path) -> None:
    path = raw_file(shared, "canon_s40_CRW_0117.CRW")
    picture = by(LIBRAW, path)
    untold = replace(picture, shot=replace(picture.shot, levels=replace(picture.shot.levels, black=(0.0,) * 4)))
    confirmed = flash.confirm(path.read_bytes(), untold, lambda width, height, planes: None)
    assert confirmed.shot.levels.black == pytest.approx(picture.shot.levels.black, abs=0.2)
    assert len(confirmed.warnings) == len(picture.warnings) + 1


SENSOR = Sensor(
    cfa="RGGB",
    colors="RGB",
    planes=1,
    black=(64.0,) * 4,
    white=1023.0,
    active=Area(10, 20, 110, 220),
    crop=None,
    as_shot=(2.0, 1.0, 1.5, 0.0),
    daylight=(2.2, 1.0, 1.3, 0.0),
    cam_from_xyz=((0.86, -0.26, -0.09), (-0.82, 1.55, 0.3), (-0.26, 0.31, 0.91)),
    orientation=1,
    pixel_aspect=1.0,
    iso=100,
    exposure_seconds=1 / 128,
    f_number=16.0,
)


def test_a_shot_knows_how_bright_the_scene_was() -> None:
    """15 EV by the sunny 16 rule; nothing where the camera does not say what it chose."""
    assert shot_of(SENSOR)[0].scene_ev == pytest.approx(15.0)
    assert shot_of(replace(SENSOR, f_number=0.0))[0].scene_ev is None
    assert shot_of(replace(SENSOR, exposure_seconds=None))[0].scene_ev is None


@pytest.mark.parametrize(
    ("name", "seconds", "f_number", "iso"),  # as exiftool tells them
    [
        ("canon_s40_CRW_0117.CRW", 0.2446, 2.922, 50),
        ("canon_eos_d30.CRW", 5.0397, 5.657, 100),
        ("gopro_hero7_GOPR8513.GPR", 1 / 240, 2.8, 255),
    ],
)
def test_the_scene_is_as_bright_as_exif_says(
    shared: Path, cell: Cell, name: str, seconds: float, f_number: float, iso: int
) -> None:
    expected = math.log2(f_number**2 / seconds) - math.log2(iso / 100)
    assert cell.decode(os.fsencode(raw_file(shared, name))).shot.scene_ev == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize(
    ("as_shot", "daylight", "neutral", "warns"),
    [
        ((2.0, 1.0, 1.5, 0.0), (2.2, 1.0, 1.3, 0.0), (1 / 2, 1, 1 / 1.5), False),
        ((2000, 1000, 1500, 1000), (2.2, 1.0, 1.3, 0.0), (1 / 2, 1, 1 / 1.5), False),  # not normalized
        ((-1.0, 0.9, 1.0, 0.0), (2.2, 1.0, 1.3, 0.0), (1 / 2.2, 1, 1 / 1.3), True),
        ((0.0, 1.0, 0.0, 0.0), (2.2, 1.0, 1.3, 0.0), (1 / 2.2, 1, 1 / 1.3), True),
        ((1.0, 1.0, 1.0, 1.0), (2.2, 1.0, 1.3, 0.0), (1 / 2.2, 1, 1 / 1.3), True),
        ((float("nan"),) * 4, (1.0, 1.0, 1.0, 0.0), (1, 1, 1), True),
    ],
)
def test_white_balances_that_say_nothing_are_known(
    as_shot: tuple[float, ...], daylight: tuple[float, ...], neutral: tuple[float, ...], warns: bool
) -> None:
    shot, warnings = shot_of(replace(SENSOR, as_shot=as_shot, daylight=daylight))
    assert shot.neutral == pytest.approx(neutral)
    assert bool(warnings) == warns


@pytest.mark.parametrize("matrix", [(), ((0.0,) * 3,) * 3, ((1.0, 0.0, 0.0),) * 3, ((float("nan"),) * 3,) * 3])
def test_without_a_matrix_camera_colors_are_srgbs(matrix: tuple[tuple[float, ...], ...]) -> None:
    shot, warnings = shot_of(replace(SENSOR, cam_from_xyz=matrix))
    assert np.allclose(rgb_from_rec2020("srgb") @ np.asarray(shot.rec2020_from_camera), np.eye(3), atol=1e-9)
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("crop", "picture"),
    [
        (Area(14, 24, 106, 216), Area(4, 4, 96, 196)),
        (Area(0, 0, 100, 200), Area(0, 0, 100, 200)),  # not inside the active area
        (Area(20, 40, 40, 80), Area(0, 0, 100, 200)),  # a thumbnail's
        (None, Area(0, 0, 100, 200)),
    ],
)
def test_a_crop_is_taken_where_it_can_be_the_cameras(crop: Area | None, picture: Area) -> None:
    assert shot_of(replace(SENSOR, crop=crop))[0].crop == picture


@pytest.mark.parametrize("change", [{"white": 64.0}, {"white": float("inf")}, {"colors": "RGX"}, {"cfa": "RGXB"}])
def test_what_cannot_be_a_sensor_is_left_to_another_reader(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        shot_of(replace(SENSOR, **change))


def test_flips_become_orientations(shared: Path) -> None:
    """As exiftool tells them for the same files: 2, 3, 6, 8; the others by geometry."""
    for orientation in (2, 3, 6, 8):
        with rawpy.imread(str(variant(shared, f"bayer_orientation{orientation}.dng"))) as raw:
            assert libraw.EXIF_FROM_FLIP[raw.sizes.flip] == orientation
    assert sorted(libraw.EXIF_FROM_FLIP.values()) == list(range(1, 9))


# --- doubts ----------------------------------------------------------------------------------------------------------


def test_frames_that_show_nothing_are_doubted() -> None:
    frame = np.full((1, 10, 10), 64, np.uint16)
    assert doubts(frame)
    frame[0, 0, 0] = 65
    assert doubts(frame) == ()
    frame[0, 4:] = 0
    assert doubts(frame) == ("60% of the picture's samples are zero",)
    floats = frame.astype(np.float32)
    floats[0, 0, 0] = np.nan
    assert "no numbers" in doubts(floats)[0]


def test_a_picture_of_another_size_than_declared_is_not_believed(shared: Path) -> None:
    path = variant(shared, "bayer_rggb.dng")
    picture = by(LIBRAW, path)
    tiff = read_tiff(path.read_bytes())
    lying = Dng(tiff, replace(read_layout(raw_of(tiff)), width=255), picture.shot, ())
    for read in (libraw.read, flash.read):
        with pytest.raises(Unreadable, match="declares"):
            read(path.read_bytes(), lying, lambda width, height, planes: None)


def test_lossless_jpeg_that_one_reader_doubts_is_a_picture_with_a_warning(dng: DngFactory) -> None:
    data = bytearray(dng(change=lambda negative: replace(negative, compression="lossless-jpeg")).read_bytes())
    layout = read_layout(raw_of(read_tiff(bytes(data))))
    start, length = int(layout.offsets[0]), int(layout.lengths[0])
    scan = data.index(b"\xff\xda", start) + 10
    room = start + length - 2 - scan
    data[scan : start + length - 2] = (b"\xff\x00" * room)[:room]  # whole from mark to mark, but no code has these bits
    picture = readers.read(bytes(data), (), lambda _: None, lambda *_: None)
    assert picture.reader == libraw.NAME
    assert any("may be damaged" in warning for warning in picture.warnings)
