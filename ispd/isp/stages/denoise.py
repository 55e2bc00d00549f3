"""Denoise: what the noise model explains goes, luminance and color apart, before demosaicing makes patterns of it.

The 2 × 2 sites of the array are four planes of half the size (a linear file has its planes).  The square root of light
evens the noise over all tones; an orthonormal mix makes luminance and color differences of the planes; blocks of 8 × 8,
each overlapping its neighbors by half, become cosines.  A picture's structure, grids and hair included, gathers in few
of those, while noise gives every one its share: a coefficient c becomes c·(1 - t²/e), or 0, where e is its energy (and
some of the other planes' at that frequency) over the noise's.  What a block this small cannot tell, blotches of color
wider than it, is averaged with those of the eight blocks around it that do not differ by more than noise.

Takes   white-balanced Raw with its ceilings, which tell how often noise was multiplied; `profile`, (S, O) a color;
        `full`, what ceilings were before that (`Levels.full`); `cfa` as these rows see it ("" for a linear file).
        An array that repeats over more than 2 × 2 sites gives planes by interpolation, and its own sites are read back
Gives   Raw; strength 1 is what the noise model says is right, 0 leaves the noise
Source  sliding cosine transform: L. Yaroslavsky, K. Egiazarian, J. Astola, SPIE 4304 (2001)
        shrinkage: H.-Y. Gao, "Wavelet shrinkage denoising using the non-negative garrote", JCGS 7 (1998)
        square root and the way back: F. Anscombe, Biometrika 35 (1948): the mean of a root is less than the root of a
        mean by a part of the variance; what was removed of that is given back, or shadows would darken and color
        overlapping blocks weigh by how few coefficients they need: O. Guleryuz, IEEE TIP 16 (2007)
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp import noise
from ispd.isp.color.mix import mix
from ispd.isp.look import Denoise
from ispd.isp.noise import ALIKE, BLOCK, DARKEST, FAINT, GRAIN, NONE, SHARED, STEP, THRESHOLD, Profile
from ispd.isp.params import Scalar
from ispd.isp.pattern import planes_of_sites, repeat, shifted, spread, tiled
from ispd.isp.values import Raw, Window

BEFORE, AFTER = 2 * STEP, 3 * STEP  # quads or pixels around the picture: all blocks it lies in, and those beside them


class Noisy(NamedTuple):
    """Planes whose noise has one variance model each."""

    planes: Tensor  # (planes, h, w), whole steps
    gain: Tensor  # (planes, h / STEP - 1, w / STEP - 1): what noise was multiplied by, in the middle of each block
    profile: Profile  # (S, O) a plane
    response: Tensor  # (planes, 64) or (1, 1): variance of each cosine for noise of variance 1


def denoise(
    raw: Raw, p: Denoise, profile: Profile, full: tuple[float, ...], window: Window, cfa: str, colors: str
) -> Raw:
    """By quads, by the file's planes, or by interpolated ones."""
    if cfa and repeat(cfa) == 2:
        return replace(raw, samples=_by_quads(raw, p, profile, full, window, cfa, colors))
    gain = raw.ceiling / raw.samples.new_tensor(full or (1.0,))[:, None, None]
    white = raw.samples.new_ones(1, 1)
    if not cfa:
        return replace(raw, samples=_by_planes(raw.samples, gain, p, profile, white, window))
    planes, gain = spread(raw.samples[0], cfa, colors), spread(gain[0], cfa, colors)
    response = _response(shifted(cfa, -window.top), colors).to(planes)
    cleaned = _by_planes(planes, gain, p, profile, response, window)
    own = tiled(planes_of_sites(cfa, colors), *raw.samples.shape[1:]).to(planes.device)
    return replace(raw, samples=cleaned.gather(0, own[None]))


def _by_quads(
    raw: Raw, p: Denoise, profile: Profile, full: tuple[float, ...], window: Window, cfa: str, colors: str
) -> Tensor:
    """(1, H, W): the four sites of a repeat as planes, in the order of their colors whatever the phase."""
    _, height, width = raw.samples.shape
    rows, top = _mirrored(height, window.top, 2, raw.samples)
    columns, left = _mirrored(width, 0, 2, raw.samples)
    sites = planes_of_sites(shifted(cfa, -top), colors).flatten().tolist()
    order = sorted(range(4), key=sites.__getitem__)
    quads = F.pixel_unshuffle(raw.samples[:, rows][:, :, columns], 2)
    middle, apart = 2 * STEP, 2 * STEP
    ceilings = [raw.ceiling[0, rows[middle + n // 2 :: apart]][:, columns[middle + n % 2 :: apart]] for n in order]
    gain = torch.stack(ceilings) / (full or (1.0,))[0]
    cleaned = cleared(Noisy(quads[order], gain, tuple(profile[sites[n]] for n in order), quads.new_ones(1, 1)), p)
    back: Tensor = F.pixel_shuffle(cleaned[[order.index(n) for n in range(4)]], 2)
    return back[:, top : top + height, left : left + width]


def _by_planes(planes: Tensor, gain: Tensor, p: Denoise, profile: Profile, response: Tensor, window: Window) -> Tensor:
    """(planes, H, W): each as it is."""
    _, height, width = planes.shape
    rows, top = _mirrored(height, window.top, 1, planes)
    columns, left = _mirrored(width, 0, 1, planes)
    middles = gain[:, rows[STEP::STEP]][:, :, columns[STEP::STEP]]
    cleaned = cleared(Noisy(planes[:, rows][:, :, columns], middles, profile, response), p)
    return cleaned[:, top : top + height, left : left + width]


def _mirrored(length: int, start: int, scale: int, like: Tensor) -> tuple[Tensor, int]:
    """Which rows make whole steps, counted from the picture's first row so that every strip has the same blocks.

    Beyond the edge they mirror without repeating it, which keeps an array's phase.  With the place of the first row.
    """
    before = scale * BEFORE + start % (scale * STEP)
    total = before + length + scale * AFTER
    total += -total % (scale * STEP)
    around = torch.arange(-before, total - before, device=like.device).abs()
    period = max(1, 2 * (length - 1))
    folded = around % period
    return torch.minimum(folded, period - folded).clamp(max=length - 1), before


def cleared(noisy: Noisy, p: Denoise) -> Tensor:
    """The planes without what is noise; the outermost steps are less sure."""
    count = len(noisy.planes)
    mixing = noise.mixing(count)
    pedestal = noise.pedestal(noisy.profile)
    roots = mix(mixing, 2 * (noisy.planes + pedestal).clamp(min=DARKEST * pedestal).sqrt())
    cells = F.avg_pool2d(roots, STEP)
    means = (cells[:, 1:, 1:] + cells[:, 1:, :-1] + cells[:, :-1, 1:] + cells[:, :-1, :-1]) / 4
    variances = _variances(mix(mixing.T, means), noisy, pedestal)
    variance = mix(mixing**2, variances).clamp(min=NONE)
    shift = _averaged(means, variance) - means
    thresholds = [p.luminance, *[p.color] * (count - 1)]
    cleaner, removed = _shrunk(roots, variance, noisy.response, thresholds, shift * _most(p.color))
    light = (mix(mixing.T, cleaner).clamp(min=0) / 2) ** 2 - pedestal
    missing = F.avg_pool2d(F.pad(variances * removed / 4, (1, 1, 1, 1), mode="replicate"), 2, stride=1)
    return light + missing.repeat_interleave(STEP, dim=1).repeat_interleave(STEP, dim=2)


def _most(strength: Scalar) -> Scalar:
    return strength.clamp(max=1) if isinstance(strength, Tensor) else min(1.0, strength)


def _variances(roots: Tensor, noisy: Noisy, pedestal: float) -> Tensor:
    """(planes, blocks): variance of the root of each plane's light, from the model at its mean."""
    light = (roots / 2) ** 2 - pedestal
    shot, read = roots.new_tensor(noisy.profile).T[:, :, None, None]
    gain = noisy.gain
    variance: Tensor = gain * shot * light.clamp(min=0) + gain * gain * read
    return variance / (light + pedestal).clamp(min=FAINT * pedestal)


def _averaged(means: Tensor, variance: Tensor) -> Tensor:
    """(planes, blocks): color differences averaged with the blocks around that look alike; luminance as it is."""
    _, height, width = means.shape
    wide = F.pad(means, (1, 1, 1, 1), mode="replicate")
    total, weights = torch.zeros_like(means), torch.zeros_like(means[0])
    for down in range(3):
        for right in range(3):
            other = wide[:, down : down + height, right : right + width]
            distance = ((other - means) ** 2 / variance).sum(dim=0) * BLOCK**2
            weight = 1 / (1 + (distance / ALIKE) ** 2)
            total, weights = total + weight * other, weights + weight
    return torch.cat([means[:1], (total / weights)[1:]])


def _shrunk(
    roots: Tensor, variance: Tensor, response: Tensor, strengths: list[Scalar], shift: Tensor
) -> tuple[Tensor, Tensor]:
    """The planes put together again from blocks with their noise shrunk, and which part of it each block has lost."""
    planes, height, width = roots.shape
    cosines = roots.new_tensor(noise.cosines())
    basis = torch.kron(cosines, cosines)  # (64 cosines, 64 samples)
    window = roots.new_tensor(noise.overlap())
    window = window[:, None] * window
    least = torch.stack([torch.as_tensor(strength).to(roots) for strength in strengths])[:, None, None, None]
    least = (THRESHOLD * least) ** 2
    total, weights = torch.zeros_like(roots), torch.zeros_like(roots[0])
    removed = torch.zeros_like(variance[0])
    for down in (0, STEP):
        for right in (0, STEP):
            rows, columns = (height - down) // BLOCK, (width - right) // BLOCK
            here = slice(down, down + rows * BLOCK), slice(right, right + columns * BLOCK)
            blocks = slice(down // STEP, None, 2), slice(right // STEP, None, 2)
            coefficients = _blocks(roots[:, here[0], here[1]]) @ basis.T
            own = coefficients**2 / _spectrum(variance[:, blocks[0], blocks[1]], response)
            energy = (1 - SHARED) * own + SHARED * own.sum(dim=0)
            gain = (1 - least / energy.clamp(min=1e-9)).clamp(min=0)
            gain = torch.cat([GRAIN + (1 - GRAIN) * gain[:1], gain[1:]])
            square = gain**2
            power = square.sum(dim=(0, 3))
            gain = torch.cat([torch.ones_like(gain[..., :1]), gain[..., 1:]], dim=3)
            moved = F.pad(BLOCK * shift[:, blocks[0], blocks[1], None], (0, BLOCK**2 - 1))
            cleaner = (coefficients * gain + moved) @ basis
            weight = 1 / power.clamp(min=1e-9)
            total[:, here[0], here[1]] += _unblocked(cleaner * window.flatten() * weight[..., None])
            weights[here] += _unblocked((weight[..., None] * window.flatten())[None])[0]
            lost = ((1 - square) * own)[..., 1:].sum(dim=(0, 3)) / (planes * BLOCK**2)
            removed[blocks] = lost.clamp(max=1)
    return total / weights, removed


def _spectrum(variance: Tensor, response: Tensor) -> Tensor:
    """(planes, rows, columns, 64 or 1): variance of every cosine."""
    return variance[..., None] * response[:, None, None]


def _blocks(planes: Tensor) -> Tensor:
    """(planes, rows, columns, 64) from (planes, rows · 8, columns · 8)."""
    count, height, width = planes.shape
    apart = planes.reshape(count, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return apart.permute(0, 1, 3, 2, 4).reshape(count, height // BLOCK, width // BLOCK, BLOCK**2)


def _unblocked(blocks: Tensor) -> Tensor:
    count, rows, columns, _ = blocks.shape
    apart = blocks.reshape(count, rows, columns, BLOCK, BLOCK).permute(0, 1, 3, 2, 4)
    return apart.reshape(count, rows * BLOCK, columns * BLOCK)


@lru_cache(maxsize=8)
def _response(cfa: str, colors: str) -> Tensor:
    """(planes, 64): what interpolation makes of white noise on the sites, by measuring it on 48 × 48 blocks."""
    noise_alone = torch.randn(48 * BLOCK, 48 * BLOCK, generator=torch.Generator().manual_seed(1))
    cosines = torch.tensor(noise.cosines(), dtype=torch.float32)
    coefficients = _blocks(spread(noise_alone, cfa, colors)) @ torch.kron(cosines, cosines).T
    return (coefficients**2).mean(dim=(1, 2))
