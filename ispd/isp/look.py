"""Every rendering parameter on one page, in rendering order.  Torch-free: the daemon reads profiles with it.

Each default leaves the picture as it is, or is the value most photos want; the comment says which.
The TOML reader, docs/profile.md and the property tests are made from these lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, Union

from ispd.isp.params import Bounds, Counts, Cube, Numbers, Points, Rising, Scalar

if TYPE_CHECKING:
    from torch import Tensor

LatticeNodes: TypeAlias = Union[Cube, "Tensor", None]  # learning, (size, size, size, 3): blue, green, red, channels


@dataclass(frozen=True)
class Corrections:
    """What is undone of what the lens did: by the file's own corrections, and by lensfun where it carries none."""

    shading: Literal["file", "none"] = "file"  # gain maps and vignetting opcodes
    geometry: Literal["file", "none"] = "file"  # warp opcodes
    lateral_ca: Literal["auto", "none"] = "auto"  # red and blue fringes, as the photo shows them, if the file is silent
    lens: Literal["lensfun", "none"] = "lensfun"  # what the file lacks of the two, if lensfunpy is there and knows it


@dataclass(frozen=True)
class Shading:
    """How much darker the lens makes the corners, beyond what the file corrects: learned from finished pictures.

    A channel is lifted by k₁·r² + k₂·r⁴ + k₃·r⁶ stops, r = 1 in the corners.
    """

    red: Annotated[Numbers, Bounds(-4, 4, unit="stops"), Counts((0, 1, 2, 3))] = ()  # k₁, k₂, k₃; none: as it is
    green: Annotated[Numbers, Bounds(-4, 4, unit="stops"), Counts((0, 1, 2, 3))] = ()
    blue: Annotated[Numbers, Bounds(-4, 4, unit="stops"), Counts((0, 1, 2, 3))] = ()


@dataclass(frozen=True)
class WhiteBalance:
    """An offset to the white balance that the camera chose, in stops of a channel against green."""

    red: Annotated[Scalar, Bounds(-2, 2, unit="stops")] = 0.0  # 0 keeps the as-shot balance
    blue: Annotated[Scalar, Bounds(-2, 2, unit="stops")] = 0.0


@dataclass(frozen=True)
class MatrixDelta:
    """What the camera matrix is corrected by, in linear Rec.2020: neutral stays, because every row sums to 1.

    Six numbers: what red takes of green and blue, green of red and blue, blue of red and green.
    """

    cool: Annotated[Numbers, Bounds(-1, 1), Counts((0, 6))] = ()  # under the cooler light; none: the matrix as it is
    warm: Annotated[Numbers, Bounds(-1, 1), Counts((0, 6))] = ()  # under the warmer one; none: `cool` everywhere
    warmth: Annotated[Numbers, Bounds(-8, 8, unit="stops"), Counts((0, 2))] = ()  # red over blue of a neutral, in both


@dataclass(frozen=True)
class Camera:
    """What belongs to the body rather than to the taste: the `[camera]` part of a profile."""

    corrections: Corrections = field(default_factory=Corrections)
    shading: Shading = field(default_factory=Shading)
    white_balance: WhiteBalance = field(default_factory=WhiteBalance)
    matrix: MatrixDelta = field(default_factory=MatrixDelta)


@dataclass(frozen=True)
class HotPixels:
    """Single sites that shine, or stay dark, by themselves, beyond those that the file names."""

    method: Literal["repair", "none"] = "repair"  # stars, lamps and lines stay


@dataclass(frozen=True)
class Denoise:
    """Sensor noise, by the model of it that the file gives; where hardly any is seen, nothing is done."""

    luminance: Annotated[Scalar, Bounds(0, 2)] = 1.0  # 1 is what the noise model says is right, 0 leaves the grain
    color: Annotated[Scalar, Bounds(0, 2)] = 1.0  # 0 leaves the colored blotches


@dataclass(frozen=True)
class Highlights:
    """What happens where a channel has clipped."""

    method: Literal["desaturate", "clip"] = "desaturate"  # towards white as the sensor runs out, never pink


@dataclass(frozen=True)
class Demosaic:
    """Two of three colors are missing at every site."""

    # in the order of their cost; on other arrays than Bayer's one method serves for all but "bilinear"
    method: Literal["auto", "bilinear", "malvar", "directional", "best"] = "auto"  # best on a GPU, else directional


@dataclass(frozen=True)
class CaptureSharpen:
    """What lens, filter and demosaic have softened, before any tone is set."""

    amount: Annotated[Scalar, Bounds(0, 2)] = 0.8  # 0 changes nothing
    radius_px: Annotated[float, Bounds(0.4, 0.8, unit="px")] = 0.6  # only eight neighbors are looked at


@dataclass(frozen=True)
class Embedded:
    """What the camera profile inside a DNG says of color; another file renders as without."""

    tables: Literal["none", "file"] = "none"  # its matrix, hue tables and exposure; "none": the plain matrix alone


@dataclass(frozen=True)
class Exposure:
    """Brighten or darken the scene."""

    ev: Annotated[Scalar, Bounds(-8, 8, unit="stops")] = 0.0  # 0 changes nothing
    baseline: Literal["file", "none"] = "file"  # the file's own BaselineExposure
    auto: Literal["scene", "none"] = "scene"  # up to 1.5 stops more or less, as the whole scene asks; "none": as shot
    slope: Annotated[Scalar, Bounds(-1, 1)] = 0.0  # stops more for each stop that the scene was brighter; 0: none
    slope_range: Annotated[Numbers, Bounds(-20, 30, unit="EV"), Counts((0, 2))] = ()  # scene EV it was learned on
    # stops more for each stop that the photo's own light is brighter: -1 makes all alike, 0 leaves them as exposed
    key_slope: Annotated[Scalar, Bounds(-1.5, 0)] = 0.0
    key_range: Annotated[Numbers, Bounds(-20, 20, unit="stops"), Counts((0, 2))] = ()  # from grey: learned on these


@dataclass(frozen=True)
class LocalTone:
    """Shadows and highlights by what surrounds them, and the contrast of large and small detail."""

    tones: Annotated[
        Numbers, Bounds(-4, 4, unit="stops")
    ] = ()  # lift where surroundings are -8, -6 … +4 stops from grey
    coarse: Annotated[Scalar, Bounds(-1, 2)] = 0.0  # more contrast of detail about a tenth of the picture wide …
    fine: Annotated[Scalar, Bounds(-1, 2)] = 0.0  # … and of all that is smaller; 0 changes nothing


@dataclass(frozen=True)
class Curve:
    """From the scene's light to the screen's: hue kept, or, where it was learned, channel by channel as on film."""

    # "file": its own, or filmic; "learned": by `heights`; "none": 1.0 is white, cut there
    method: Literal["filmic", "file", "learned", "none"] = "filmic"
    contrast: Annotated[Scalar, Bounds(0.5, 2.5)] = 1.3  # slope at mid grey, in log-log, of a usual range
    white_ev: Annotated[Scalar, Bounds(2.6, 12, unit="stops")] = 7.0  # white above mid grey, if the sensor goes so far
    black_ev: Annotated[Scalar, Bounds(-16, -3, unit="stops")] = -10.0  # this far below mid grey is black
    points: Annotated[Points, Bounds(0, 1)] = ()  # then a monotone curve on display-encoded values; none: as it is
    # of "learned": encoded values at even steps of log light
    heights: Annotated[Numbers, Bounds(-0.1, 1.1), Counts((0, 33)), Rising()] = ()
    red: Annotated[
        Numbers, Bounds(-0.5, 0.5), Counts((0, 9))
    ] = ()  # what is added to a channel's encoded value, at even steps of it
    green: Annotated[Numbers, Bounds(-0.5, 0.5), Counts((0, 9))] = ()
    blue: Annotated[Numbers, Bounds(-0.5, 0.5), Counts((0, 9))] = ()


@dataclass(frozen=True)
class Lattice:
    """What nothing above can say of color: hues of their own, deep blues, skin."""

    cube: LatticeNodes = None  # NAME.cube: encoded Rec.2020 to the same, sRGB's transfer function; none: as it is


@dataclass(frozen=True)
class Finish:
    """The last touch, on display-linear color."""

    saturation: Annotated[Scalar, Bounds(0, 2)] = 1.0  # 0 is black and white
    shadow_red: Annotated[Scalar, Bounds(-0.2, 0.2)] = 0.0  # split toning: tint added where the picture is dark …
    shadow_blue: Annotated[Scalar, Bounds(-0.2, 0.2)] = 0.0
    highlight_red: Annotated[Scalar, Bounds(-0.2, 0.2)] = 0.0  # … and where it is bright
    highlight_blue: Annotated[Scalar, Bounds(-0.2, 0.2)] = 0.0


@dataclass(frozen=True)
class Sharpen:
    """Unsharp mask on lightness, after the resize."""

    amount: Annotated[Scalar, Bounds(0, 3)] = 0.3  # 0 changes nothing
    radius_px: Annotated[float, Bounds(0.3, 3, unit="px")] = 0.7


@dataclass(frozen=True)
class Gamut:
    """Colors that the output space has not."""

    method: Literal["compress", "clip"] = "compress"  # at constant hue


@dataclass(frozen=True)
class Look:
    """Every rendering parameter, one field a stage, in the order they run."""

    camera: Camera = field(default_factory=Camera)
    hot_pixels: HotPixels = field(default_factory=HotPixels)
    denoise: Denoise = field(default_factory=Denoise)
    highlights: Highlights = field(default_factory=Highlights)
    demosaic: Demosaic = field(default_factory=Demosaic)
    capture_sharpen: CaptureSharpen = field(default_factory=CaptureSharpen)
    embedded: Embedded = field(default_factory=Embedded)
    exposure: Exposure = field(default_factory=Exposure)
    local_tone: LocalTone = field(default_factory=LocalTone)
    curve: Curve = field(default_factory=Curve)
    lattice: Lattice = field(default_factory=Lattice)
    finish: Finish = field(default_factory=Finish)
    sharpen: Sharpen = field(default_factory=Sharpen)
    gamut: Gamut = field(default_factory=Gamut)
