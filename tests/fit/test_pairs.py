"""Which picture belongs to which raw."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ispd.decode.cell import Cell
from ispd.errors import NoInput, PhotoError
from ispd.fit.pairs import find
from ispd.fit.previews import preview_of
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.metadata.exiftool import ExifTool
from ispd.simulate.camera import KESTREL, LANTERN
from ispd.simulate.dng import Negative
from ispd.simulate.photograph import Moment
from ispd.simulate.tiff import Entry, Kind
from tests.conftest import Dng
from tests.fit.scenes import Picture, jpeg, save, scene


def names(folder: Path, references: Path | None = None, *, door: ExifTool) -> list[tuple[str, str]]:
    """Pairs by their names alone."""
    pairs, _ = find(folder, references, door=door)
    return [(Path(os.fsdecode(p.raw)).name, Path(os.fsdecode(p.reference or b"")).name) for p in pairs]


def touch(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"")


def test_the_same_stem_in_any_case_makes_a_pair(tmp_path: Path, door: ExifTool) -> None:
    touch(tmp_path, "IMG_1.DNG", "IMG_1.JPG", "img_2.nef", "IMG_2.jpeg", "b.CR2", "B.tif", "c.arw", "c.png")
    touch(tmp_path, "d.dng.jpg", "d.dng", ".e.dng", ".e.jpg", "f.dng", "f.txt", "g.jpg")
    pairs = names(tmp_path, door=door)
    assert pairs == [
        ("IMG_1.DNG", "IMG_1.JPG"),
        ("b.CR2", "B.tif"),
        ("c.arw", "c.png"),
        ("d.dng", "d.dng.jpg"),
        ("img_2.nef", "IMG_2.jpeg"),
    ]


def test_googles_phones_name_them_their_own_way(tmp_path: Path, door: ExifTool) -> None:
    touch(tmp_path, "PXL_1.RAW-01.COVER.jpg", "PXL_1.RAW-02.ORIGINAL.dng", "PXL_2.RAW-01.MP.COVER.jpg")
    touch(tmp_path, "PXL_2.RAW-02.ORIGINAL.dng")
    assert names(tmp_path, door=door) == [
        ("PXL_1.RAW-02.ORIGINAL.dng", "PXL_1.RAW-01.COVER.jpg"),
        ("PXL_2.RAW-02.ORIGINAL.dng", "PXL_2.RAW-01.MP.COVER.jpg"),
    ]


def test_a_cameras_jpeg_goes_before_later_pictures_and_heic_is_said_to_be_unreadable(
    tmp_path: Path, door: ExifTool
) -> None:
    touch(tmp_path, "a.dng", "a.tif", "a.jpg", "a.heic", "b.dng", "b.heic")
    pairs, refused = find(tmp_path, door=door)
    assert [pair.reference for pair in pairs] == [os.fsencode(tmp_path / "a.jpg")]
    assert [(each.path, each.reference) for each in refused] == [
        (os.fsencode(tmp_path / "b.dng"), os.fsencode(tmp_path / "b.heic"))
    ]
    assert "save it as JPEG" in refused[0].reason


def test_folders_have_their_own_names_unless_references_are_elsewhere(tmp_path: Path, door: ExifTool) -> None:
    touch(tmp_path, "raw/one/a.dng", "raw/two/a.dng", "raw/one/a.jpg", "jpeg/b.jpg", "raw/b.dng")
    assert names(tmp_path / "raw", door=door) == [("a.dng", "a.jpg")]
    assert names(tmp_path / "raw", tmp_path / "jpeg", door=door) == [("b.dng", "b.jpg")]


def test_of_pictures_with_one_name_that_of_the_same_folder_or_moment_is_taken(
    dng: Dng, tmp_path: Path, door: ExifTool
) -> None:
    """A camera that counts beyond 9999 begins anew, in another folder."""
    touch(tmp_path, "raws/100CANON/IMG_1.DNG", "raws/101CANON/IMG_1.DNG")
    touch(tmp_path, "done/100CANON/IMG_1.JPG", "done/101CANON/IMG_1.JPG")
    found, _ = find(tmp_path / "raws", tmp_path / "done", door=door)
    assert [os.path.dirname(pair.raw)[-9:] for pair in found] == [b"/100CANON", b"/101CANON"]
    assert [os.path.dirname(pair.reference or b"")[-9:] for pair in found] == [b"/100CANON", b"/101CANON"]

    shot = tmp_path / "shot"
    for day in (1, 2):
        when = datetime(2026, 5, day, 9, 0, tzinfo=UTC)
        raw = dng(f"{day}.dng", scene(day, 120, 180), KESTREL, Moment(when=when))
        for folder in ("raw", "ready"):
            (shot / f"{folder}-{day}").mkdir(parents=True)
        raw.rename(shot / f"raw-{day}/IMG_1.dng")
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"2026:05:0{day} 09:00:00"
        Image.new("RGB", (30, 20)).save(shot / f"ready-{day}/IMG_1.jpg", exif=exif)
    found, _ = find(shot, shot, door=door)
    assert [os.path.dirname(pair.reference or b"")[-8:] for pair in found] == [b"/ready-1", b"/ready-2"]


def test_links_to_files_are_files(tmp_path: Path, door: ExifTool) -> None:
    touch(tmp_path, "store/1", "store/2")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.dng").symlink_to(tmp_path / "store/1")
    (tmp_path / "in/a.jpg").symlink_to(tmp_path / "store/2")
    assert names(tmp_path / "in", door=door) == [("a.dng", "a.jpg")]


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path, door: ExifTool) -> None:
    with pytest.raises(NoInput, match="is not there"):
        find(tmp_path / "nowhere", door=door)


def test_without_names_the_moment_and_the_body_decide(dng: Dng, tmp_path: Path, door: ExifTool) -> None:
    noon = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
    for second, camera in ((0, KESTREL), (1, KESTREL), (1, LANTERN)):
        moment = Moment(when=noon + timedelta(seconds=second))
        dng(f"raw{second}{camera.serial}.dng", np.zeros((32, 48, 3), np.uint8), camera, moment)
    for name, second, serial in (("x", 0, ""), ("y", 1, LANTERN.serial), ("z", 1, ""), ("w", 5, "")):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[36867] = (noon + timedelta(seconds=second)).strftime("%Y:%m:%d %H:%M:%S")
        if serial:
            exif.get_ifd(0x8769)[0xA431] = serial
        save(tmp_path / f"{name}.jpg", np.zeros((32, 48, 3), np.uint8), exif=exif)
    assert names(tmp_path, door=door) == [  # z may be of either body, w of none
        (f"raw0{KESTREL.serial}.dng", "x.jpg"),
        (f"raw1{LANTERN.serial}.dng", "y.jpg"),
    ]


# --- previews ---------------------------------------------------------------------------------------------------------


def with_preview(picture: Picture, software: str = "") -> Callable[[Negative], Negative]:
    def change(negative: Negative) -> Negative:
        more = (Entry(305, Kind.ASCII, software),) if software else ()
        return replace(negative, preview=jpeg(picture), more=more)

    return change


def test_the_largest_jpeg_of_the_raw_is_its_preview(dng: Dng, cell: Cell, door: ExifTool) -> None:
    picture = scene(40, 240, 360)
    raw = dng("a.dng", picture, KESTREL, change=with_preview(picture))
    assert preview_of(os.fsencode(raw), cell, door).codes.shape == (3, 240, 360)


def test_a_raw_without_one_and_a_converters_are_refused(dng: Dng, cell: Cell, door: ExifTool) -> None:
    picture = scene(41, 240, 360)
    none = dng("a.dng", picture, KESTREL)
    with pytest.raises(PhotoError, match="holds no JPEG"):
        preview_of(os.fsencode(none), cell, door)
    made = dng("b.dng", picture, KESTREL, change=with_preview(picture, "Adobe DNG Converter 16.4"))
    with pytest.raises(PhotoError, match=r"Adobe DNG Converter.* no camera's look"):
        preview_of(os.fsencode(made), cell, door)


def test_the_cameras_own_jpegs_are_found_in_canons_old_raws(shared: Path, cell: Cell, door: ExifTool) -> None:
    sizes = {"canon_eos_d30.CRW": (960, 1440), "canon_g1_gmcy.CRW": (480, 640), "canon_s40_CRW_0117.CRW": (480, 640)}
    for name, size in sizes.items():
        found = preview_of(os.fsencode(shared / "samples/raw" / name), cell, door)
        assert found.codes.shape == (3, *size)
        assert np.allclose(found.meaning.rec2020, np.linalg.inv(rgb_from_rec2020("srgb")), atol=1e-3)
