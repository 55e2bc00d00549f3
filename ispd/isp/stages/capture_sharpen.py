"""Capture sharpening: edges that lens, filter and demosaic have softened get steep again, before anything else.

Luminance gets back `amount` times what a small blur would take from it; less where that is no larger than noise, and
where the sensor ends.  It goes hardly beyond the brightest and the darkest of the eight neighbors, so that neither
halos nor dots appear.

Takes   CameraRGB (colors, H, W); `law`, (S, O) of its luminance: variance = S·Y + O
Gives   the same; a pixel's channels are scaled together, so its color stays
Source  unsharp masking as one step of Van Cittert's deconvolution: P. Jansson, "Deconvolution of images and spectra",
        1997; coring: J. Rossi, "Digital techniques for reducing television noise", SMPTE Journal 87 (1978)

>>> import torch
>>> capture_sharpen(CameraRGB(torch.full((3, 4, 4), 0.25)), CaptureSharpen(amount=2.0), (0.0, 0.0)).unique()
tensor([0.2500])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.crispness import CORED, END, FADING, LEAST, SLACK, taps
from ispd.isp.look import CaptureSharpen
from ispd.isp.params import Scalar
from ispd.isp.values import CameraRGB


def capture_sharpen(rgb: CameraRGB, p: CaptureSharpen, law: tuple[Scalar, Scalar]) -> CameraRGB:
    """Steeper edges; amount 0 changes nothing."""
    if not isinstance(p.amount, Tensor) and p.amount == 0:
        return rgb
    before = _luminance(rgb).clamp(min=0)
    blurred, low, high = _around(before, *taps(p.radius_px))
    detail = before - blurred
    square = detail * detail
    told = square / (square + (CORED * law[0] * before + (CORED * law[1] + LEAST)))  # from noise
    whole = ((END - before) / FADING).clamp(0, 1)
    crisp = before + p.amount * detail * told * whole
    least, most = torch.lerp(low, high, -SLACK).clamp(min=0), torch.lerp(high, low, -SLACK)
    crisp = torch.minimum(torch.maximum(crisp, least), most)
    return CameraRGB(rgb * ((crisp + LEAST) / (before + LEAST)))


def _luminance(rgb: Tensor) -> Tensor:
    """(H, W): nearly, in a camera's own colors; of four, or one, their mean."""
    return (rgb[0].add(rgb[1], alpha=2) + rgb[2]) / 4 if len(rgb) == 3 else rgb.mean(dim=0)


def _around(plane: Tensor, middle: float, side: float) -> tuple[Tensor, Tensor, Tensor]:
    """The blurred, the least and the greatest of each 3 × 3; down first, then across."""
    wide = _mirrored(_mirrored(plane, 0), 1)
    blurred, low, high = wide, wide, wide
    for dim in (0, 1):
        length = plane.shape[dim]
        near, own, far = (blurred.narrow(dim, start, length) for start in range(3))
        blurred = middle * own + side * (near + far)
        near, own, far = (low.narrow(dim, start, length) for start in range(3))
        low = torch.minimum(torch.minimum(near, far), own)
        near, own, far = (high.narrow(dim, start, length) for start in range(3))
        high = torch.maximum(torch.maximum(near, far), own)
    return blurred, low, high


def _mirrored(plane: Tensor, dim: int) -> Tensor:
    """One more at both ends, mirrored without repeating the edge: what demosaic makes of a mirrored mosaic."""
    last = plane.shape[dim] - 1
    step = min(1, last)
    return torch.cat((plane.narrow(dim, step, 1), plane, plane.narrow(dim, last - step, 1)), dim)
