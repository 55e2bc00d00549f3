"""Cameras that do not exist, different in everything a raw developer has to care about.

A camera's color response under daylight (D65) and tungsten (A) is what its DNGs carry as ColorMatrix 2 and 1; between
the two it is interpolated over the reciprocal temperature, as DNG 1.7.1 chapter 6 has it.  So the DNG color model
undoes exactly what the camera did, and a perfect rendering is known.

Source  daylight locus: CIE 15:2018, section 4.1.2; temperature interpolation: DNG 1.7.1, chapter 6
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ispd.isp.color.spaces import D50_XYZ, Array, adapt, xyz_from_rgb, xyz_from_xy
from ispd.isp.values import Cfa, Matrix
from ispd.simulate.dng import ILLUMINANT_A, ILLUMINANT_D65, Calibration, Compression
from ispd.simulate.tiff import ByteOrder

TUNGSTEN_K, DAYLIGHT_K = 2856.0, 6504.0
TUNGSTEN_XY = (0.44758, 0.40745)
X_TRANS = "GBGGRGRGRBGBGBGGRGGRGGBGBGBRGRGRGGBG"

Correction: TypeAlias = Literal["gain-map", "radial", "none"]


@dataclass(frozen=True)
class SimulatedCamera:
    """A body with its lens: what it does to light, and how it writes it down."""

    make: str
    model: str
    lens: str
    serial: str
    daylight: Matrix  # camera_from_xyz under D65, the ColorMatrix of its DNGs
    tungsten: Matrix  # camera_from_xyz under A
    cfa: Cfa = "RGGB"
    bits: int = 14
    black: tuple[float, ...] = (512.0,)  # one, or one a CFA position
    white: int = 16383
    shot_noise: float = 4e-5  # S at ISO 100: variance = S·x + O, x in [0, 1]
    read_noise: float = 2e-7  # O at ISO 100
    shading: tuple[float, float, float] = (0.0, 0.0, 0.0)  # k of R, G, B: light times 1 / (1 + k·r²), r = 1 in a corner
    correction: Correction = "none"  # how the file tells a converter to undo the shading
    forward_matrices: bool = False
    baseline_exposure: float = 0.0  # stops it underexposes, and says so, to save highlights
    margin_px: int = 0  # valid pixels around the picture, outside the crop
    border_px: int = 0  # masked pixels around these
    compression: Compression = "none"
    byte_order: ByteOrder = "little"
    preview: bool = False

    @property
    def name(self) -> str:
        return f"{self.make} {self.model}"

    @property
    def description(self) -> str:
        """What its files are, in a few words."""
        pattern = "X-Trans" if self.cfa == X_TRANS else self.cfa
        stored = {"none": "uncompressed", "lossless-jpeg": "lossless JPEG"}[self.compression]
        corrected = {"gain-map": ", gain maps", "radial": ", radial shading", "none": ""}[self.correction]
        return f"{pattern} {self.bits} bit, {stored}{corrected}"

    def camera_from_xyz(self, temperature_k: float) -> Array:
        """3×3: XYZ under light of that temperature to the sensor's linear RGB, not balanced."""
        return _between(temperature_k, self.tungsten, self.daylight)

    def neutral(self, temperature_k: float) -> Array:
        """The sensor's RGB of a white object under light of that temperature; green is 1."""
        response: Array = self.camera_from_xyz(temperature_k) @ xyz_from_xy(illuminant_xy(temperature_k))
        response /= response[1]
        return response

    def camera_from_d50(self, temperature_k: float) -> Array:
        """3×3: a scene's XYZ, adapted to D50, to the sensor's RGB under that light; white is the neutral.

        Where the files carry forward matrices these are the truth, else the color matrices: a converter uses one of
        them, and between the two lights they do not say quite the same.
        """
        white, neutral = xyz_from_xy(illuminant_xy(temperature_k)), self.neutral(temperature_k)
        if self.forward_matrices:
            tungsten, daylight = self._forward(TUNGSTEN_K), self._forward(DAYLIGHT_K)
            matrix: Array = neutral[:, None] * np.linalg.inv(_between(temperature_k, tungsten, daylight))
            return matrix
        matrix = self.camera_from_xyz(temperature_k) @ adapt(D50_XYZ, white)
        matrix /= (self.camera_from_xyz(temperature_k) @ white)[1]
        return matrix

    def calibrations(self) -> tuple[Calibration, ...]:
        """What the DNG says of its color: tungsten first, as Adobe's files have it."""
        return tuple(
            Calibration(light, matrix, self._forward(temperature_k) if self.forward_matrices else None)
            for light, matrix, temperature_k in (
                (ILLUMINANT_A, self.tungsten, TUNGSTEN_K),
                (ILLUMINANT_D65, self.daylight, DAYLIGHT_K),
            )
        )

    def _forward(self, temperature_k: float) -> Matrix:
        """XYZ (D50) from balanced camera color: the inverse of the color matrix, adapted."""
        white = xyz_from_xy(illuminant_xy(temperature_k))
        camera_from_xyz = self.camera_from_xyz(temperature_k)
        return as_matrix(adapt(white, D50_XYZ) @ np.linalg.inv(camera_from_xyz) * (camera_from_xyz @ white))


def _between(temperature_k: float, tungsten: Matrix, daylight: Matrix) -> Array:
    """Linear in the reciprocal temperature; beyond either light its own matrix holds."""
    weight = (1 / temperature_k - 1 / DAYLIGHT_K) / (1 / TUNGSTEN_K - 1 / DAYLIGHT_K)
    weight = min(max(weight, 0.0), 1.0)
    matrix: Array = weight * np.array(tungsten) + (1 - weight) * np.array(daylight)
    return matrix


def illuminant_xy(temperature_k: float) -> tuple[float, float]:
    """Chromaticity of CIE daylight from 4000 K up, below that on a line (in reciprocal temperature) to illuminant A."""
    if temperature_k >= 4000:
        return _daylight_xy(temperature_k)
    weight = (1 / temperature_k - 1 / 4000) / (1 / TUNGSTEN_K - 1 / 4000)
    cool, warm = np.array(_daylight_xy(4000)), np.array(TUNGSTEN_XY)
    x, y = (1 - weight) * cool + weight * warm
    return float(x), float(y)


def _daylight_xy(temperature_k: float) -> tuple[float, float]:
    if temperature_k == DAYLIGHT_K:
        return 0.3127, 0.3290  # D65 as the color spaces round it, so that a daylight scene stays exact
    thousand = 1000 / temperature_k
    if temperature_k <= 7000:
        x = 0.244063 + 0.09911 * thousand + 2.9678 * thousand**2 - 4.6070 * thousand**3
    else:
        x = 0.237040 + 0.24748 * thousand + 1.9018 * thousand**2 - 2.0064 * thousand**3
    return x, -3.0 * x**2 + 2.870 * x - 0.275


def as_matrix(array: Array) -> Matrix:
    """Rounded to four decimals, as DNGs carry matrices: what is written is what the camera does."""
    return tuple(tuple(round(float(number), 4) for number in row) for row in array)


def _response(sensitivity: tuple[float, float, float], *mixing: tuple[float, float, float]) -> Matrix:
    """A plausible camera_from_xyz: how much of sRGB's primaries each filter lets through (rows sum to 1), times how
    strongly a channel answers daylight."""
    mix = np.array(mixing) * np.array(sensitivity)[:, None]
    return as_matrix(mix @ np.linalg.inv(xyz_from_rgb("srgb")))


LANTERN = SimulatedCamera(  # a phone: strong colored shading with gain maps, lossless JPEG, previews
    make="Lumora",
    model="Lantern 7",
    lens="Lantern 7 5.6mm f/1.8",
    serial="LN7-004211",
    daylight=_response((0.52, 1.0, 0.61), (0.64, 0.29, 0.07), (0.14, 0.72, 0.14), (0.04, 0.22, 0.74)),
    tungsten=_response((0.54, 1.0, 0.58), (0.68, 0.26, 0.06), (0.17, 0.71, 0.12), (0.05, 0.25, 0.70)),
    black=(256.0, 257.0, 255.0, 256.0),
    shot_noise=1.6e-4,
    read_noise=1.5e-6,
    shading=(0.75, 0.55, 0.45),
    correction="gain-map",
    baseline_exposure=1.0,
    compression="lossless-jpeg",
    preview=True,
)
KESTREL = SimulatedCamera(  # an older single-lens reflex: 12 bits, masked border, big-endian, forward matrices
    make="Aldine",
    model="Kestrel II",
    lens="Aldine 50mm f/1.8",
    serial="2007731",
    cfa="GBRG",
    daylight=_response((0.45, 1.0, 0.70), (0.72, 0.22, 0.06), (0.18, 0.66, 0.16), (0.02, 0.30, 0.68)),
    tungsten=_response((0.47, 1.0, 0.66), (0.75, 0.20, 0.05), (0.20, 0.66, 0.14), (0.03, 0.32, 0.65)),
    bits=12,
    black=(128.0,),
    white=4000,
    shot_noise=3e-5,
    read_noise=4e-7,
    shading=(0.08, 0.08, 0.08),
    forward_matrices=True,
    margin_px=8,
    border_px=12,
    byte_order="big",
)
MERIDIAN = SimulatedCamera(  # X-Trans, with a lens whose fall-off the file corrects after demosaicing
    make="Orrery",
    model="Meridian X6",
    lens="Orrery 23mm f/2",
    serial="X6A19044",
    cfa=X_TRANS,
    daylight=_response((0.48, 1.0, 0.57), (0.67, 0.26, 0.07), (0.12, 0.74, 0.14), (0.03, 0.19, 0.78)),
    tungsten=_response((0.50, 1.0, 0.55), (0.70, 0.24, 0.06), (0.14, 0.74, 0.12), (0.04, 0.21, 0.75)),
    black=(1024.0,),
    shot_noise=2e-5,
    read_noise=1e-7,
    shading=(0.3, 0.3, 0.3),
    correction="radial",
    margin_px=6,
    preview=True,
)
CAMERAS = (LANTERN, KESTREL, MERIDIAN)
