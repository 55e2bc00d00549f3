"""What a file's name says: a raw, a reference picture beside one, or nothing of ours.  The only lists of file names.

Names are bytes, as the kernel has them; a path counts by its last part.
"""

from __future__ import annotations

import re

RAW_SUFFIXES = frozenset(
    (
        b"dng",
        *(b"gpr",),  # GoPro: a DNG
        *(b"cr2", b"cr3", b"crw"),  # Canon
        *(b"nef", b"nrw"),  # Nikon
        *(b"arw", b"srf", b"sr2"),  # Sony
        *(b"raf",),  # Fujifilm
        *(b"orf", b"ori"),  # Olympus, OM System
        *(b"rw2", b"rwl"),  # Panasonic, Leica; their old ".raw" is also what disk images are called: left out
        *(b"pef", b"ptx"),  # Pentax
        *(b"kdc", b"dcr", b"dcs", b"k25"),  # Kodak
        *(b"srw",),  # Samsung
        *(b"3fr", b"fff"),  # Hasselblad, Imacon
        *(b"iiq", b"cap"),  # Phase One
        *(b"mef", b"mos"),  # Mamiya, Leaf
        *(b"mrw", b"mdc"),  # Minolta
        *(b"erf",),  # Epson
        *(b"x3f",),  # Sigma
        *(b"bay",),  # Casio
    )
)
DNG_SUFFIXES = frozenset((b"dng", b"gpr"))  # these promise DNG's tags
REFERENCE_SUFFIXES = frozenset((b"jpg", b"jpeg", b"jpe", b"tif", b"tiff", b"png", b"heic", b"heif", b"hif"))

_BEST_FIRST = (b"jpg", b"jpeg", b"jpe", b"tif", b"tiff", b"png")
_PIXEL = re.compile(rb"\.raw-\d\d\.(mp\.)?(cover|original)\Z")

_UNFINISHED_SUFFIXES = frozenset(  # downloads and copies under way
    (b"part", b"partial", b"filepart", b"tmp", b"temp", b"crdownload", b"download", b"opdownload", b"aria2", b"!qb")
)
_FOREIGN_NAMES = frozenset(  # folders and files that systems keep for themselves, lower case
    (
        *(b"@eadir", b"#recycle", b"#snapshot", b"@tmp", b"@recycle"),  # Synology, QNAP
        *(b"lost+found", b"$recycle.bin", b"system volume information", b"__macosx"),
        *(b"thumbs.db", b"desktop.ini"),
    )
)


def suffix(name: bytes) -> bytes:
    """What follows the last dot, in lower case; b"" where there is none, and for a name that only starts with one."""
    stem, dot, last = name.rsplit(b"/", 1)[-1].rpartition(b".")
    return last.lower() if dot and stem else b""


def is_raw(name: bytes) -> bool:
    """Whether a file of this name should be a photo to develop.

    >>> is_raw(b"IMG_1.DNG"), is_raw(b"IMG_1.jpg"), is_raw(b".dng"), is_raw(b"IMG_1.dng.part")
    (True, False, False, False)
    """
    return suffix(name) in RAW_SUFFIXES and not is_ignored(name)


def is_reference(name: bytes) -> bool:
    """Whether a file of this name may show how the raw beside it shall look."""
    return suffix(name) in REFERENCE_SUFFIXES and not is_ignored(name)


def stem(path: bytes) -> bytes:
    r"""What a raw's name and that of its picture have in common: IMG_1.DNG, IMG_1.JPG and IMG_1.DNG.jpg, in any case,
    and the two files of Google's phones.

    >>> stem(b"/a/IMG_1.DNG"), stem(b"img_1.dng.jpg")
    (b'img_1', b'img_1')
    >>> stem(b"PXL_1.RAW-02.ORIGINAL.dng"), stem(b"PXL_1.RAW-01.MP.COVER.jpg")
    (b'pxl_1', b'pxl_1')
    """
    name = path.rsplit(b"/", 1)[-1].lower()
    name = name.removesuffix(b"." + suffix(name))
    if is_reference(path) and is_raw(name):
        name = name.removesuffix(b"." + suffix(name))
    return _PIXEL.sub(b"", name)


def rank(picture: bytes) -> tuple[int, bytes]:
    """By which several pictures of one raw are sorted: what a camera writes goes before what came later."""
    last = suffix(picture)
    return (_BEST_FIRST.index(last) if last in _BEST_FIRST else len(_BEST_FIRST), picture)


def is_ignored(name: bytes) -> bool:
    """Whether a file or folder is hidden, temporary or a system's own: not looked at, not entered.

    >>> [is_ignored(n) for n in (b".ispd", b".syncthing.a.dng.tmp", b"a.dng~", b"@eaDir", b"a.dng.crdownload")]
    [True, True, True, True, True]
    """
    last = name.rsplit(b"/", 1)[-1]
    return (
        last.startswith((b".", b"~syncthing~", b"~$"))  # dot files are also .goutputstream-…, ._ of macOS, rsync's
        or last.endswith((b"~", b"@SynoEAStream", b"@SynoResource"))
        or last.lower() in _FOREIGN_NAMES
        or suffix(last) in _UNFINISHED_SUFFIXES
    )
