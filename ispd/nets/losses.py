"""What training compares pictures by, in the published forms; values in [0, 1], (N, 3, H, W).

Source  M. Afifi et al., HistoGAN (CVPR 2021): the RGB-uv histogram; Z. Wang et al., "Multiscale structural similarity"
        (Asilomar 2003); both with the constants of the published training

>>> grey = torch.full((1, 3, 8, 8), 0.5)
>>> bool(rgbuv_histogram(grey).sum().sub(1).abs() < 1e-5)
True
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Kernel: TypeAlias = Literal["inverse-quadratic", "RBF", "thresholding"]
Shrink: TypeAlias = Literal["interpolation", "sampling"]
TINY = 1e-6
BOUNDARY = 3.0  # of log-chroma; what is more saturated hardly counts
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA = 11, 1.5
SMALLEST_CS = 1e-4


def rgbuv_histogram(
    images: Tensor,
    bins: int = 64,
    size: int = 150,
    sigma: float = 0.02,
    method: Kernel = "inverse-quadratic",
    resizing: Shrink = "interpolation",
    intensity_scale: bool = True,
) -> Tensor:
    """(N, 3, bins, bins) summing to 1: how often each log-chroma occurs, seen from red, green and blue.

    Larger pictures are first made `size` × `size`, whatever their shape.  "thresholding" has no gradient.
    """
    images = _shrunk(images[:, :3].clamp(0, 1), bins, size, resizing)
    pixels = images.flatten(2)
    weight = (pixels.square().sum(1) + TINY).sqrt() if intensity_scale else torch.ones_like(pixels[:, 0])
    logs = (pixels + TINY).log()
    # the bins in float64: they lie five kernel widths apart, and a picture's chroma often falls right between two
    centers = torch.linspace(-BOUNDARY, BOUNDARY, bins, dtype=torch.float64, device=images.device)
    planes = []
    for own, first, second in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        u, v = (
            _nearness(logs[:, own] - logs[:, other], centers, sigma, method, bins).to(images.dtype)
            for other in (first, second)
        )
        planes.append((weight[:, :, None] * u).mT @ v)
    counted = torch.stack(planes, 1)
    return counted / (counted.sum(dim=(1, 2, 3), keepdim=True) + TINY)


def _shrunk(images: Tensor, bins: int, size: int, resizing: Shrink) -> Tensor:
    height, width = images.shape[2:]
    if max(height, width) <= size:
        return images
    if resizing == "interpolation":
        return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    rows, columns = (torch.arange(bins, device=images.device) * side // bins for side in (height, width))
    return images[:, :, rows][:, :, :, columns]


def _nearness(chroma: Tensor, centers: Tensor, sigma: float, method: Kernel, bins: int) -> Tensor:
    """(N, pixels, bins) float64."""
    distance = chroma[:, :, None] - centers
    if method == "inverse-quadratic":
        return 1 / (1 + (distance / sigma) ** 2)
    if method == "RBF":
        return torch.exp(-((distance / sigma) ** 2))
    return (distance.abs() <= BOUNDARY / bins).to(centers.dtype)


def histogram_distance(a: Tensor, b: Tensor) -> Tensor:
    """The published distance of a batch of histograms: of N equal distances it makes one of 1/√N of them.

    The gradient is finite, and 0 where both are equal.
    """
    return _root(_squares(a, b).sum()) / math.sqrt(2) / len(a)


def hellinger(a: Tensor, b: Tensor) -> Tensor:
    """(N,): Hellinger's distance of each pair of histograms, in [0, 1]."""
    return _root(_squares(a, b)) / math.sqrt(2)


def _squares(a: Tensor, b: Tensor) -> Tensor:
    return (_root(a) - _root(b)).square().sum(dim=(1, 2, 3))


def _root(x: Tensor) -> Tensor:
    """The square root; its slope at 0, which has no end, is taken as 0."""
    positive = x > 0
    return torch.where(positive, torch.where(positive, x, 1).sqrt(), 0)


def ms_ssim(a: Tensor, b: Tensor, scores: Literal["as they are", "mapped to 0…1"] = "as they are") -> Tensor:
    """The published multi-scale structural similarity of two batches.

    One mean over the batch; the range of values is guessed from `a`; where structure is opposite at a scale, a power
    of a negative number is NaN, unless scores are mapped first.  For training see `ms_ssim_loss`.
    """
    contrasts, last = _scales(a, b)
    values = torch.stack([*contrasts[:-1], last])
    if scores == "mapped to 0…1":
        values = (values + 1) / 2
    return (values ** values.new_tensor(SCALE_WEIGHTS)).prod()


def ms_ssim_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """1 - MS-SSIM, where opposite structure counts as none instead of ending the training with NaN."""
    contrasts, last = _scales(made, wanted)
    values = torch.stack([*contrasts[:-1], last]).clamp(min=SMALLEST_CS)
    return 1 - (values ** values.new_tensor(SCALE_WEIGHTS)).prod()


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity at full size, one mean over the batch."""
    return _similarity(a, b)[0]


def scales(a: Tensor, b: Tensor) -> Tensor:
    """(5, 2): structural similarity and its contrast part at each of the five scales."""
    rows = []
    for _ in SCALE_WEIGHTS:
        rows.append(torch.stack(_similarity(a, b)))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return torch.stack(rows)


def _scales(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The contrast part of every scale, and the whole similarity of the last."""
    table = scales(a, b)
    return table[:, 1], table[-1, 0]


def _similarity(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Structural similarity of one scale, and its contrast part: means over batch, channels and places together."""
    size = min(WINDOW, *a.shape[2:])
    offsets = torch.arange(size, dtype=a.dtype, device=a.device) - size // 2
    line = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    line = line / line.sum()
    window = torch.outer(line, line).expand(a.shape[1], 1, size, size)

    def around(x: Tensor) -> Tensor:
        return F.conv2d(x, window, groups=x.shape[1])

    span = _range(a)
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    mean_a, mean_b = around(a), around(b)
    variances = around(a * a) - mean_a**2 + around(b * b) - mean_b**2
    covariance = around(a * b) - mean_a * mean_b
    contrast = (2 * covariance + c2) / (variances + c2)
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (light * contrast).mean(), contrast.mean()


def _range(images: Tensor) -> float:
    top = 255.0 if images.max() > 128 else 1.0
    bottom = -1.0 if images.min() < -0.5 else 0.0
    return top - bottom
