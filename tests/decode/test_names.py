from __future__ import annotations

import pytest

from ispd.decode.names import is_ignored, is_raw, is_reference


@pytest.mark.parametrize(
    "name",
    [
        *(b"IMG_1.dng", b"IMG_1.DNG", b"GOPR8513.GPR", b"a.CR3", b"CRW_0117.CRW", b"DSC.NEF", b"DSC.arw", b"P.RAF"),
        *(b"P.orf", b"P.RW2", b"P.pef", b"P.KDC", b"P.3FR", b"P.x3f"),
        *(b"-execute.dng", b"new\nline.dng", b"latin1_\xe9\xff.dng", b"dots..dng", b"/in/my.photos/a.dng"),
    ],
)
def test_raws_are_known_by_suffix_whatever_the_rest_of_the_name(name: bytes) -> None:
    assert is_raw(name)


@pytest.mark.parametrize("name", [b"IMG.jpg", b"IMG.xmp", b"dng", b"no_extension", b"", b"IMG.dng.xmp", b"a.dng/b"])
def test_other_files_are_no_raws(name: bytes) -> None:
    assert not is_raw(name)


@pytest.mark.parametrize(
    "name",
    [
        *(b".hidden.dng", b"._IMG.dng", b".dng", b".ispd", b".IMG.dng.Xa81Bq", b".goutputstream-1A2B.dng"),
        *(b".syncthing.IMG.dng.tmp", b"~syncthing~IMG.dng.tmp", b"IMG.dng.part", b"IMG.dng.PART", b"IMG.dng.tmp"),
        *(b"IMG.dng.crdownload", b"IMG.dng~", b"@eaDir", b"#recycle", b"lost+found", b"/photos/@eaDir"),
    ],
)
def test_hidden_temporary_and_foreign_names_are_left_alone(name: bytes) -> None:
    assert is_ignored(name)
    assert not is_raw(name)


@pytest.mark.parametrize("name", [b"IMG.dng", b"2024", b"party", b"~IMG.dng", b"my.parts", b"recycle"])
def test_ordinary_names_are_not_ignored(name: bytes) -> None:
    assert not is_ignored(name)


def test_a_picture_beside_a_raw_is_a_reference_and_never_a_raw() -> None:
    for name in (b"IMG.JPG", b"IMG.jpeg", b"IMG.tif", b"IMG.png", b"IMG.HEIC"):
        assert is_reference(name)
        assert not is_raw(name)
    assert not is_reference(b"IMG.dng")
    assert not is_reference(b".IMG.jpg")
