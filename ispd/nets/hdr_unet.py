"""ispd's own HDR U-Net: what a sensor would have seen had it no end and no noise.

It works on the mosaic as the pipeline balances it, as four half-size planes, and gives balanced camera color, to which
the file's matrix, exposure, local tone and curve apply as to any photo's: so no camera is foreign to it, a photo's
tone is that of its look, and all that is global comes once from the survey's small picture.

    mosaic ─ levels, maps, balance ▶ planes ─ 3 × 3 layers ▶ 12 guesses (3 colors · 4 sites) ─┐
                                       └──── U, five sizes ▶ corrections ─────────────────────┴▶ camera color

What it is told besides the planes, at half size: what each has that its surroundings have not, by how much of it may
be noise; the light in Rec.2020 by the file's matrix; how much each color scatters there; how full each site is, and
where it ends; how bright the surroundings are.  Light is compressed first: linear as far as noise reaches, a logarithm
above.  What it answers is scaled by how far a guess may be off.  Nothing in it takes a mean over the picture: tiles
that see REACH more than they keep agree with the whole.

Source  O. Ronneberger and others, "U-Net", MICCAI 2015, with corrections that are added inside each size, K. He and
        others, "Deep residual learning", CVPR 2016; the guesses: `ispd.isp.stages.demosaic.best`, whose kernels are
        where training begins
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from ispd.errors import BadModel, PhotoError
from ispd.isp import render
from ispd.isp.color.mix import luminance, mix
from ispd.isp.color.tone import DARKEST, LOCAL_GREY
from ispd.isp.size import picture
from ispd.isp.stages.demosaic.best import GUESSES, learned
from ispd.isp.stages.local_tone import spread
from ispd.isp.stages.opcodes import warps
from ispd.isp.values import CameraRGB, DisplayRGB, Mosaic, Raw, Shot
from ispd.nets.checkpoint import check
from ispd.nets.hdr_look import LOOK, gain, toned

KNEE = 0.02  # of exposed light: below it, at least, compression is nearly linear
STEADY = 2.0  # standard deviations of the noise there that are still within what is linear
LEAST, MOST = -1.0, 12.0  # of compressed light and of the logarithm within: what an answer may have
FULL_FROM = 0.8  # of a site's end, from where on it is said to be full
TOLD = 15  # planes besides the mosaic's own four
WIDTHS = (32, 64, 96, 128, 160)  # features at each size, from half size down
BLOCKS = (1, 1, 1, 2, 2)  # corrections at each size, on the way down and, but for the last, on the way up
SURE, UNKNOWN = 0.02, 0.3  # of compressed light: how far guesses are off without noise, and near what is full
DEPTHS = len(WIDTHS) - 1
MULTIPLE: int = 2 * 2**DEPTHS  # pixels: sides that the network takes
TILE = 1536  # pixels of a tile's side: about 1 GB of what is kept between layers
REACH = 64  # pixels around a tile: what lies farther changes less than 1/50000


class Seen(NamedTuple):
    """What the network sees of a picture or a tile, (n, …, h, w) at half size."""

    mosaic: Tensor  # 4 planes of compressed light, RGGB
    told: Tensor  # TOLD planes


def knee(shot: Shot, gain: float) -> float:
    """Where a photo's compression begins, in exposed light.

    Noise that a logarithm bends has no longer the light's mean, and no average brings it back: so the noisier, the
    later.  As a square root evens the noise of photons, this evens all of it.
    """
    dark = KNEE / gain
    variances = [
        (most := max(shot.neutral) / neutral) * s * dark + most**2 * o
        for neutral, (s, o) in zip(shot.neutral, shot.noise_profile, strict=False)
    ]
    return math.hypot(KNEE, STEADY * gain * math.sqrt(max(0.0, *variances, 0.0)))


def compressed(light: Tensor, knee: float) -> Tensor:
    """Exposed light to what the network works on; goes through 0 and 1."""
    return torch.asinh(light / knee) / math.asinh(1 / knee)


def expanded(code: Tensor, knee: float) -> Tensor:
    """The way back."""
    return torch.sinh((code * math.asinh(1 / knee)).clamp(max=MOST)) * knee


def answered(code: Tensor, what: Seen, knee: float, gain: float) -> Tensor:
    """(3, H, W) balanced camera color of the network's answer to `what`, one picture of each.

    Where every site is full nobody knows a color: it is white.  Where green is full it is no less than the mean of red
    and blue: what runs out first in balanced light is green, and a network that has not seen every sky paints some
    pink.  On held-out views with much clipping that costs 0.4 dB (flowers that are pink), on others nothing.
    """
    red, green, blue = expanded(code[0], knee) / gain
    full = what.told[:, 6:10]
    green_is, all_are = (_over_pixels(sites.amin(dim=1, keepdim=True)) for sites in (full[:, 1:3], full))
    light = torch.stack((red, torch.lerp(green, torch.maximum(green, (red + blue) / 2), green_is), blue))
    return torch.lerp(light, light.amax(dim=0, keepdim=True).expand_as(light), all_are)


def _over_pixels(share: Tensor) -> Tensor:
    """(H, W) of (1, 1, h, w), half as large; a little softened."""
    wide = F.interpolate(share, scale_factor=2, mode="bilinear")
    mean: Tensor = F.avg_pool2d(wide, 3, stride=1, padding=1, count_include_pad=False)[0, 0]
    return mean


def seen(raw: Raw, shot: Shot, gain: float, top: int = 0, left: int = 0) -> Seen:
    """From balanced samples (1, H, W), even sides, beginning with red; `gain` is exposure's factor.

    `top` and `left` say where in the active area they lie; the shot is surveyed, for local tone and noise.
    """
    sites, ends = (F.pixel_unshuffle(plane, 2) for plane in (raw.samples, raw.ceiling))
    light, ends_of = (torch.stack((x[0], (x[1] + x[2]) / 2, x[3])) for x in (sites, ends))
    scene = mix(shot.rec2020_from_camera, light) * gain
    fullness = ((sites / ends.clamp(min=1e-6) - FULL_FROM) / (1 - FULL_FROM)).clamp(0, 1)
    bend = knee(shot, gain)
    lifted = ends_of / max(shot.levels.full, default=1.0)
    told = torch.cat(
        (
            compressed(scene, bend),
            _scatter(light, lifted, gain, bend, shot.noise_profile),
            fullness,
            compressed(ends_of * gain, bend),
            _surroundings(scene, gain, shot, top, left),
        )
    )
    return Seen(compressed(sites * gain, bend)[None], told[None])


def _scatter(
    light: Tensor, lifted: Tensor, gain: float, bend: float, profile: tuple[tuple[float, float], ...]
) -> Tensor:
    """(3, h, w): the standard deviation of each color's compressed light, by the noise model."""
    around = F.avg_pool2d(F.pad(light[None], (1, 1, 1, 1), mode="replicate"), 3, stride=1)[0].clamp(min=0)
    shot, read = light.new_tensor(profile or ((0.0, 0.0),) * 3).T[:, :, None, None]
    deviation = (lifted * shot * around + lifted**2 * read).clamp(min=0).sqrt() * gain
    slope = 1 / (math.asinh(1 / bend) * ((around * gain) ** 2 + bend**2).sqrt())
    scatter: Tensor = deviation * slope
    return scatter.clamp(max=2)


def _doubt(told: Tensor) -> Tensor:
    """(n, 12, h, w): how far a guess may be off, so that what noise and clipping teach leaves clean light alone."""
    scatter = told[:, 3:6].repeat_interleave(4, dim=1)
    full = told[:, 6:10].amax(dim=1, keepdim=True)
    wide = F.max_pool2d(F.max_pool2d(full, (9, 1), stride=1, padding=(4, 0)), (1, 9), stride=1, padding=(0, 4))
    near = F.avg_pool2d(wide, 5, stride=1, padding=2)
    doubt: Tensor = SURE + scatter + UNKNOWN * near
    return doubt


def _detail(mosaic: Tensor, told: Tensor) -> Tensor:
    """(n, 4, h, w): what each plane has that its surroundings have not, by how much of it may be noise.

    So noise looks alike in every photo, and answers that are scaled by `_doubt` take it away with the same weights.
    """
    around = F.avg_pool2d(mosaic, 5, stride=1, padding=2, count_include_pad=False)
    scatter = torch.cat((told[:, 3:5], told[:, 4:6]), dim=1)
    return torch.asinh((mosaic - around) / (SURE + scatter))


def _surroundings(scene: Tensor, gain: float, shot: Shot, top: int, left: int) -> Tensor:
    """(2, h, w): how bright the small and the large surroundings are, in eighths of stops from grey."""
    if shot.bases is None:
        raise ValueError("the shot has not been surveyed for a look with local tone")
    down, across = (
        start + 2 * torch.arange(length, dtype=scene.dtype, device=scene.device) + 1
        for start, length in zip((top, left), scene.shape[1:], strict=True)
    )
    maps = spread(shot.bases, down, across)
    bare = luminance(scene / gain).clamp(min=2.0**DARKEST).log2()
    around = maps[::2] * bare + maps[1::2] + math.log2(gain)
    return (around - LOCAL_GREY) / 8


class Corrected(nn.Module):
    """Two 3 × 3 layers, whose answer is added to what they were given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        _silence(self.second)  # each begins as nothing, so that depth costs no start

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        correction: Tensor = self.second(F.relu(self.first(F.relu(x))))
        return x + correction


class HdrUNet(nn.Module):
    """(n, 3, H, W) of compressed camera color from what is `Seen`; H and W multiples of MULTIPLE."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS) -> None:
        super().__init__()
        self.kernels = nn.ParameterList([nn.Parameter(kernel.clone()) for kernel in learned(torch.float32, CPU)])
        features = self.kernels[-1].shape[1]
        self.stem = nn.Conv2d(features + 4 + 4 + TOLD, widths[0], 3, padding=1)
        self.down = nn.ModuleList([nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths)])
        self.up = nn.ModuleList([nn.Conv2d(b, 4 * a, 1) for a, b in pairwise(widths)])
        self.before = nn.ModuleList([_chain(width, count) for width, count in zip(widths, blocks, strict=True)])
        self.after = nn.ModuleList([_chain(width, count) for width, count in zip(widths[:-1], blocks, strict=False)])
        self.head = nn.Conv2d(widths[0], 12, 3, padding=1)
        _silence(self.head)  # begins as the guesses alone

    def forward(self, mosaic: Tensor, told: Tensor) -> Tensor:
        """Guesses and corrections."""
        guesses, features = self._guessed(mosaic)
        planes = (plane.to(features.dtype) for plane in (mosaic, _detail(mosaic, told), told))  # half as much to move
        x: Tensor = self.stem(torch.cat((features, *planes), dim=1))
        kept = []
        for before, down in zip(self.before, self.down, strict=False):
            x = before(x)
            kept.append(x)
            x = down(x)
        x = self.before[-1](x)
        for after, up, level in zip(reversed(self.after), reversed(self.up), reversed(kept), strict=True):
            x = after(F.pixel_shuffle(up(x), 2) + level)
        corrections = self.head(F.relu(x)) * _doubt(told)
        return F.pixel_shuffle((guesses + corrections).float(), 2).clamp(min=LEAST)

    def _guessed(self, mosaic: Tensor) -> tuple[Tensor, Tensor]:
        """12 planes: measured sites as they are, the others as `best` does it; and the features that it saw."""
        first, *inner, last = self.kernels
        # its first filters see contrast alone; zeros beyond the edge would be one, so the edge goes on
        wide = F.pad(mosaic, (1, 1, 1, 1), mode="replicate")
        features = F.relu(F.conv2d(wide, first[GUESSES:]))
        for kernels in inner:
            features = F.relu(F.conv2d(features, kernels, padding=1))
        missing = F.conv2d(features, last, padding=1)
        with torch.autocast(mosaic.device.type, enabled=False):  # a guess in bfloat16 would show as bands
            missing = missing + F.conv2d(wide, first[:GUESSES])
        red = (mosaic[:, :1], missing[:, :3])
        green = (missing[:, 3:4], mosaic[:, 1:3], missing[:, 4:5])
        blue = (missing[:, 5:], mosaic[:, 3:])
        return torch.cat((*red, *green, *blue), dim=1), features


CPU = torch.device("cpu")


def _silence(layer: nn.Conv2d) -> None:
    for value in layer.parameters():
        nn.init.zeros_(value)


def _chain(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Corrected(width) for _ in range(count)))


def multiplications(net: HdrUNet) -> float:
    """Per pixel of the picture."""
    total = 0.0
    for kernel in net.kernels:
        total += kernel.numel() / 4
    level = {
        id(module): 4.0 * 4**depth
        for modules in (net.before, net.after, net.up)
        for depth, module in enumerate(modules)
    }
    for depth, down in enumerate(net.down):
        level[id(down)] = 4.0 * 4 ** (depth + 1)
    for depth, up in enumerate(net.up):
        level[id(up)] = 4.0 * 4 ** (depth + 1)
    for name in (net.stem, net.head):
        level[id(name)] = 4.0
    for modules in (net.before, net.after, net.up, net.down, (net.stem, net.head)):
        for module in modules:
            total += sum(p.numel() for p in module.parameters() if p.dim() == 4) / level[id(module)]
    return total


# Weights


def packed(state: Mapping[str, Tensor]) -> bytes:
    """Weights as a file holds them, safetensors in half precision."""
    return save({name: value.detach().to(torch.float16).contiguous() for name, value in state.items()})


def unpacked(data: bytes) -> HdrUNet:
    """The network of such a file, ready to be asked.  Raises BadModel where it is another's, or broken."""
    try:
        state = {name: value.float() for name, value in load(data).items()}
    except SafetensorError as error:
        raise BadModel(f"these are no weights of hdr-unet: {error}") from error
    net = HdrUNet()
    check(net.state_dict(), state)
    net.load_state_dict(state)
    for weight in net.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)  # as planes lie: twice as fast
    return net.eval().requires_grad_(requires_grad=False)


# A whole photo

Network: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # `HdrUNet.forward`


def develop(net: Network, mosaic: Mosaic, tile: int = TILE, beat: Callable[[], None] = lambda: None) -> DisplayRGB:
    """(3, H, W) of the picture, cropped, as the sensor lies; of a mended, surveyed Bayer mosaic, by tiles.

    `net` is an HdrUNet, or calls one.  `beat` is called after every tile.  Raises PhotoError where the array is no
    Bayer array.
    """
    check_bayer(mosaic.shot)
    raw, _, _ = render.balanced(mosaic, LOOK)
    return develop_balanced(net, raw, mosaic.shot, tile, beat)


def check_bayer(shot: Shot) -> None:
    """Raises PhotoError where the sensor has another array, or none."""
    if len(shot.cfa) != 4 or sorted(shot.cfa) != sorted("RGGB") or shot.colors != "RGB":
        raise PhotoError("hdr-unet develops Bayer mosaics alone: give this photo a profile with another backend.")


def develop_balanced(net: Network, raw: Raw, shot: Shot, tile: int, beat: Callable[[], None]) -> DisplayRGB:
    """The same of what `render.balanced` makes of the mosaic."""
    area = picture(shot)
    display = raw.samples.new_empty(3, area.height, area.width)
    whole = raw.samples.new_empty(3, *raw.samples.shape[1:]) if warps(shot.opcodes3, LOOK.camera.corrections) else None
    for camera, top, left in _tiles(net, raw, shot, tile):
        if whole is not None:
            whole[:, top : top + camera.shape[1], left : left + camera.shape[2]] = camera
        else:
            camera = render.corrected(CameraRGB(camera), shot, LOOK, top)
            _placed(toned(CameraRGB(camera), shot, LOOK, top, left), display, top - area.top, left - area.left)
        beat()
    if whole is not None:
        moved = render.corrected(CameraRGB(whole), shot, LOOK)
        for top in range(area.top, area.bottom, tile):
            rows = CameraRGB(moved[:, top : min(top + tile, area.bottom), area.left : area.right])
            display[:, top - area.top : top - area.top + rows.shape[1]] = toned(rows, shot, LOOK, top, area.left)
            beat()
    return DisplayRGB(display)


def _tiles(net: Network, raw: Raw, shot: Shot, tile: int) -> Iterator[tuple[Tensor, int, int]]:
    """Camera color of each tile, and where in the active area it lies."""
    height, width = raw.samples.shape[1:]
    before = divmod(shot.cfa.index("R"), 2)  # rows and columns mirrored so that the array begins with red
    rows, columns = (
        _mirrored(length, first, raw.samples) for length, first in zip((height, width), before, strict=True)
    )
    step = max(1, tile // MULTIPLE) * MULTIPLE
    factor = gain(shot)
    for top in range(0, len(rows), step):
        for left in range(0, len(columns), step):
            outer_top, outer_left = max(0, top - REACH), max(0, left - REACH)
            down = rows[outer_top : top + step + REACH]
            across = columns[outer_left : left + step + REACH]
            piece = Raw(*(plane[:, down][:, :, across] for plane in (raw.samples, raw.ceiling.expand_as(raw.samples))))
            what = seen(piece, shot, factor, outer_top - before[0], outer_left - before[1])
            code = net(*(x.contiguous(memory_format=torch.channels_last) for x in what))
            light = answered(code, what, knee(shot, factor), factor)
            low, near = max(top, before[0]), max(left, before[1])
            high, far = min(top + step, before[0] + height), min(left + step, before[1] + width)
            if low < high and near < far:
                kept = light[:, low - outer_top : high - outer_top, near - outer_left : far - outer_left]
                yield kept, low - before[0], near - before[1]


def _mirrored(length: int, before: int, like: Tensor) -> Tensor:
    """Indices of rows, whole multiples; beyond both edges they mirror without repeating it, which keeps the array."""
    total = -(-(length + before) // MULTIPLE) * MULTIPLE
    around = torch.arange(-before, total - before, device=like.device).abs() % max(1, 2 * length - 2)
    return torch.minimum(around, 2 * length - 2 - around).clamp(0, length - 1)


def _placed(tile: Tensor, display: Tensor, top: int, left: int) -> None:
    """What of a tile lies in the picture, put there."""
    down, right = max(0, -top), max(0, -left)
    there = display[:, top + down : top + tile.shape[1], left + right : left + tile.shape[2]]
    there.copy_(tile[:, down : down + there.shape[1], right : right + there.shape[2]])
