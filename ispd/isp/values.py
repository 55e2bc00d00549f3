"""What the ISP works on.  Torch-free at run time, so that decoders and the daemon can name these types.

Tensors are (planes, height, width), float.  Their type carries the color space, so that mypy rejects a wrong order:

    CameraRGB    white-balanced camera color, linear, 1.0 = where the first channel clips; values above are kept
    SceneRGB     linear Rec.2020 (D65), scene-referred: 0.18 is mid grey, no upper limit
    DisplayRGB   linear Rec.2020 (D65), display-referred: 1.0 is the screen's white
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from torch import Tensor

CameraRGB = NewType("CameraRGB", "Tensor")
SceneRGB = NewType("SceneRGB", "Tensor")
DisplayRGB = NewType("DisplayRGB", "Tensor")

Cfa: TypeAlias = str
"""The square repeat of a color filter array, read left to right, top to bottom from the top-left pixel of the active
area: "RGGB" (2×2), 36 letters of X-Trans (6×6); "" where every site has all planes (linear DNG, monochrome)."""

Matrix: TypeAlias = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Area:
    """A rectangle in pixels: rows [top, bottom), columns [left, right)."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left


# Opcodes of DNG 1.7.1 chapter 7.  Coordinates of list 1 are the stored image's, of lists 2 and 3 the active area's.
# Structs rather than dataclasses: their tag lets a decoder in another process send a list of them as JSON.


@dataclass(frozen=True)
class Region:
    """Where an opcode acts: every `row_pitch`-th row and `col_pitch`-th column of `area`, `planes` from `plane` on."""

    area: Area
    plane: int = 0
    planes: int = 1
    row_pitch: int = 1
    col_pitch: int = 1


class FixBadPixelsConstant(Struct, frozen=True, tag=True):
    """Samples equal to `constant` are defects, mended from neighbors of the same color."""

    constant: int


class FixBadPixelsList(Struct, frozen=True, tag=True):
    """`points` (row, column) and `areas` are defects, mended from neighbors of the same color."""

    points: tuple[tuple[int, int], ...]
    areas: tuple[Area, ...]


class TrimBounds(Struct, frozen=True, tag=True):
    """Everything outside `area` is cut off."""

    area: Area


class MapTable(Struct, frozen=True, tag=True):
    """Each sample is looked up: value = table[round(sample * 65535)] / 65535."""

    region: Region
    table: tuple[int, ...]


class MapPolynomial(Struct, frozen=True, tag=True):
    """Each sample x in [0, 1] becomes Σ coefficients[i] · xⁱ."""

    region: Region
    coefficients: tuple[float, ...]


class GainMap(Struct, frozen=True, tag=True):
    """Each sample is multiplied by a map, interpolated bilinearly; `gains[v][h][p]`, spacing and origin relative."""

    region: Region
    spacing: tuple[float, float]  # vertical, horizontal
    origin: tuple[float, float]
    gains: tuple[tuple[tuple[float, ...], ...], ...]


class DeltaPerRow(Struct, frozen=True, tag=True):
    """`values[i]` is added to row i of the region, or multiplies it; with `along` "column", to column i."""

    region: Region
    values: tuple[float, ...]
    along: str  # "row" | "column"
    operation: str  # "add" | "multiply"


class FixVignetteRadial(Struct, frozen=True, tag=True):
    """gain(r) = 1 + k0·r² + k1·r⁴ + … + k4·r¹⁰ with r = 1 at the corner farthest from the center (x, y, relative)."""

    coefficients: tuple[float, ...]
    center: tuple[float, float]


class WarpRectilinear(Struct, frozen=True, tag=True):
    """Per plane: kr0…kr3 (radial) and kt0, kt1 (tangential); center (x, y, relative)."""

    planes: tuple[tuple[float, ...], ...]
    center: tuple[float, float]


class WarpRadial(Struct, frozen=True, tag=True):
    """Per plane the factor k0 + k1·r + k2·r² + …, odd powers too; else as WarpRectilinear.  No file's: `ispd.lens`."""

    planes: tuple[tuple[float, ...], ...]
    center: tuple[float, float]


Opcode: TypeAlias = (
    FixBadPixelsConstant
    | FixBadPixelsList
    | TrimBounds
    | MapTable
    | MapPolynomial
    | GainMap
    | DeltaPerRow
    | FixVignetteRadial
    | WarpRectilinear
    | WarpRadial
)


@dataclass(frozen=True)
class Levels:
    """How stored codes become [0, 1]: linear = (table[code] - black) / (white - greatest black of the plane).

    `black` repeats over the active area: (rows, columns, planes) flattened row by row, as `black_shape` says.
    `delta_h` and `delta_v` are added to it per column and per row of the active area; empty: none.
    """

    black: tuple[float, ...]
    black_shape: tuple[int, int, int]
    white: tuple[float, ...]  # one a plane of the stored image
    delta_h: tuple[float, ...] = ()
    delta_v: tuple[float, ...] = ()
    table: tuple[int, ...] = ()  # LinearizationTable; empty: none, or the reader has applied it
    full: tuple[float, ...] = ()  # linear value that a full well gives, one a stored plane; empty: 1, at white

    def white_of(self, plane: int) -> float:
        """White of a stored plane; a file that tells too few means its last for the others."""
        return self.white[min(plane, len(self.white) - 1)]

    def greatest_black(self, plane: int) -> float:
        """What a plane's white is measured from: its sites' greatest black, with the greatest row's and column's."""
        stored = self.black_shape[2]
        most = max(self.delta_h, default=0.0) + max(self.delta_v, default=0.0)
        return max(self.black[min(plane, stored - 1) :: stored]) + most


@dataclass(frozen=True)
class HueTable:
    """A table over hue, saturation and value of linear ProPhoto: stage `hue_table`; ProfileHueSatMap, ProfileLookTable.

    `nodes` are little-endian float32 (values, hues, saturations, 3): degrees to turn the hue by, factors of saturation
    and of value.  Bytes, since tables have up to 10⁵ nodes and go through JSON on their way from the cell.
    """

    hues: int
    saturations: int
    values: int
    nodes: bytes
    encoding: str = "linear"  # of the value axis: "linear" | "srgb"


Knots: TypeAlias = tuple[tuple[float, float, float], ...]  # of a curve: (x, y, slope), x rising


@dataclass(frozen=True)
class CameraProfile:
    """How a DNG's own camera profile wants its photo rendered: what `tables` and `curve` of a look may ask for."""

    rec2020_from_camera: Matrix  # the one that belongs to `hue_sat_map`; like the shot's own where that is missing
    hue_sat_map: HueTable | None = None  # before exposure
    look_table: HueTable | None = None  # after it
    tone_curve: Knots = ()  # 0 → 0, 1 → 1, in linear ProPhoto
    exposure_offset: float = 0.0  # stops, to be added to the shot's baseline
    black: str = "auto"  # what DefaultBlackRender leaves to us: "auto" | "none"


@dataclass(frozen=True)
class Light:
    """A light that a photo may have been taken under, and what it is to the camera: see Shot."""

    temperature_k: float
    neutral: tuple[float, ...]
    rec2020_from_camera: Matrix


@dataclass(frozen=True)
class Bases:
    """How bright the surroundings of each place are, in a small picture: survey/bases.py, stage `local_tone`.

    For two sizes of surroundings, base = slope · L + offset, of any pixel there with log2 luminance L before exposure.
    `maps` are little-endian float32 (4, rows, columns): slope and offset of the small surroundings, then of the large.
    """

    rows: int
    columns: int
    cell_px: float  # side of a cell of the maps, in pixels of the active area, at whose top left the maps begin
    maps: bytes


@dataclass(frozen=True)
class Shot:
    """Facts of the capture that rendering needs.  What the reader has already done to the samples is not in here."""

    cfa: Cfa
    colors: str  # one letter a camera color, in the order of planes after demosaic: "RGB", "GMCY", "W" (monochrome)
    levels: Levels
    active: Area  # within the stored samples
    crop: Area  # the picture, relative to the active area
    neutral: tuple[float, ...]  # camera color of a neutral object, its green is 1; one a color
    rec2020_from_camera: Matrix  # 3 rows, one column a color; takes white-balanced values; rows sum to 1
    baseline_exposure: float = 0.0  # stops
    lateral_ca: tuple[float, ...] = ()  # how much wider red and blue are than green, by the survey; (): not looked
    exposure_shift: float = 0.0  # stops that the survey found the scene to ask for, beyond the file's own
    scene_key: float | None = None  # stops above grey where its light lies, by the survey, for a look that adapts
    orientation: int = 1  # EXIF 1…8
    pixel_aspect: float = 1.0  # width of a pixel / its height
    bases: Bases | None = None  # by the survey, for a look with local tone
    scene_ev: float | None = None  # how bright the scene was: log2(N²/t) - log2(ISO/100); None: the file does not say
    lights: tuple[Light, ...] = ()  # where the file has no usable white balance: the survey weighs these
    iso: int | None = None
    noise_profile: tuple[tuple[float, float], ...] = ()  # (S, O) a color: variance = S·x + O, x in [0, 1]
    opcodes1: tuple[Opcode, ...] = ()
    opcodes2: tuple[Opcode, ...] = ()
    opcodes3: tuple[Opcode, ...] = ()
    camera_profile: CameraProfile | None = None


@dataclass(frozen=True)
class Mosaic:
    """Sensor samples and the shot they belong to: (1, H, W) for a mosaic, (planes, H, W) for a linear file.

    Stored codes (any integer or float), before levels, masked borders included.  A strip of a mosaic is a mosaic too:
    `top` is the row of the stored image that its first row is.
    """

    samples: Tensor
    shot: Shot
    top: int = 0


@dataclass(frozen=True)
class Window:
    """Which rows of the active area a tensor holds: its first is `top`, the whole is height × width."""

    top: int
    height: int
    width: int


@dataclass(frozen=True)
class Raw:
    """Linear samples on their way to demosaic: (1, H, W) for a mosaic, (planes, H, W) for a linear file.

    0 is black; every stage that changes samples takes their ceiling along, so that any later one knows what clipped.
    """

    samples: Tensor
    ceiling: Tensor  # the same shape: the value that a clipped sample has here
