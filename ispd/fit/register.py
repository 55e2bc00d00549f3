"""Register: where the reference shows what the sensor saw, to a fraction of a pixel, or not at all.

What a look does to a picture (curves, colors, local contrast) leaves its edges where they are, so both pictures are
compared by log luminance, locally normalized: the mean around taken off, divided by the deviation around.

    crops that cameras make, then any scale     coarse: every shift at once, by Fourier transform
    horizons that were put straight, then the eight orientations, if none fits
    scale and shift, affine, lens terms         coarse to fine: Gauss-Newton on robust weights
    what is left                                blocks of the picture, each moved by itself: the residual

Source  Gauss-Newton: S. Baker, I. Matthews, "Lucas-Kanade 20 years on", IJCV 2004, with the mean of both pictures'
        gradients as in S. Benhimane, E. Malis, IROS 2004; all shifts at once, normalized where they overlap:
        D. Padfield, "Masked object registration in the Fourier domain", IEEE TIP 2012
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.fit.reference import Laid, Reference, on_luminance
from ispd.fit.sample import Placement

COARSE, MIDDLE, FULL = 160, 400, 640  # pixels of the long edge that the pictures are compared at
AROUND = 4  # pixels: radius of what is called local
FAINT = 0.15  # stops of deviation: less is no edge
FLOOR, USUAL = 0.003, 0.1  # of the 99 % and 50 % quantile of luminance: what is darker than both is noise
STRAIGHT, TURN, SURE = 0.55, 0.5, 0.3  # correlation: no wider search; no other way up; it (others reach 0.2)
TILTS = (-6, -4, -2, 2, 4, 6)  # degrees: horizons are put straight by less
CUT = tuple(1.06**-step for step in range(5))  # of the frame: what is left of it then
TRIED, CLEAR = 3, 0.8  # starts that are refined, unless one fits so well
LADDER, WIDEST = 1.03, 2.6  # steps and end of the search for a scale
LEAST_OVERLAP = 0.35  # of the smaller picture
BLOCKS = (6, 8)


@dataclass(frozen=True)
class View:
    """The sensor's picture as registration sees it."""

    luminance: Tensor  # (h, w)
    height: int  # of the active area, in pixels
    width: int
    rows: int  # of it that the luminance covers, from the top left: whole boxes
    columns: int
    pixel_aspect: float = 1.0

    @property
    def half_diagonal(self) -> float:
        return math.hypot(self.height, self.width) / 2


@dataclass(frozen=True)
class Frame:
    """A guess of how large the reference's frame is on the sensor, in pixels, and which way up."""

    height: float
    width: float
    orientation: int


def located(placement: Placement, points: Tensor) -> Tensor:
    """Points (2, …) of the active area to those of the laid reference, both relative: see Placement."""
    bent = points * _bend(placement, points)
    matrix = points.new_tensor(placement.matrix)
    shift = points.new_tensor(placement.shift).reshape(2, *[1] * (points.dim() - 1))
    return torch.einsum("ij,j...->i...", matrix, bent) + shift


def in_pixels(placement: Placement, laid: Laid, points: Tensor, side: float) -> tuple[Tensor, Tensor]:
    """Boxes of the active area, center (2, h, w) and side relative, as center and half size in the reference's file."""
    diagonal = math.hypot(laid.height, laid.width) / 2
    center = located(placement, points) * diagonal
    center = center + center.new_tensor([laid.width / 2, laid.height / 2])[:, None, None]
    (a, b), (c, d) = placement.matrix
    half = center.new_tensor([math.hypot(a, c), math.hypot(b, d)]) * diagonal * side / 2
    return center, half[:, None, None] * _bend(placement, points)


def scale(placement: Placement, laid: Laid, height: int, width: int) -> float:
    """Pixels of the reference's file for one of an active area of that size, along a line."""
    (a, b), (c, d) = placement.matrix
    return math.sqrt(abs(a * d - b * c)) * math.hypot(laid.height, laid.width) / math.hypot(height, width)


def _bend(placement: Placement, points: Tensor) -> Tensor:
    r2 = points.square().sum(0)
    return 1 + r2 * (placement.radial[0] + placement.radial[1] * r2)


# --- coarse -----------------------------------------------------------------------------------------------------------


def guesses(view: View, laid: Laid, areas: tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
    """Frames (height, width) on the sensor that a reference of this shape may have: each area, whole or cut to its
    aspect (16:9 of 4:3), and with a pixel aspect."""
    found: list[tuple[float, float]] = []
    shape = laid.height / laid.width
    for height, width in areas:
        seen = height / (width * view.pixel_aspect)
        if abs(seen / shape - 1) < 0.03:
            found.append((height, width))
        if abs(seen / shape - 1) > 0.002:
            within = min(height, width * view.pixel_aspect * shape)
            found.append((within, within / shape / view.pixel_aspect))
    return _distinct(found)


def _distinct(frames: list[tuple[float, float]]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for frame in frames:
        if all(max(abs(frame[0] / k[0] - 1), abs(frame[1] / k[1] - 1)) > 0.002 for k in kept):
            kept.append(frame)
    return kept


def ladder(view: View, laid: Laid) -> list[tuple[float, float]]:
    """Frames of every size, from a bit more than the sensor down to a fraction of it."""
    steps = math.ceil(math.log(WIDEST) / math.log(LADDER))
    shape = laid.height / laid.width
    within = min(view.height, view.width * view.pixel_aspect * shape)
    heights = [1.09 * within * LADDER**-step for step in range(steps + 3)]
    return [(height, height / shape / view.pixel_aspect) for height in heights]


class Coarse:
    """The sensor's picture, small, its Fourier transforms at hand."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.scale = COARSE / max(view.rows, view.columns)  # small pixels a sensor's
        self.size = (max(8, round(view.rows * self.scale)), max(8, round(view.columns * self.scale)))
        small = _resized(view.luminance, self.size)
        self.feature = feature(small)
        self.padded = tuple(_fast(2 * side + side // 4) for side in self.size)
        self.spectra = self._spectra(self.feature)

    def _spectra(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        one = torch.ones_like(picture)
        first, second, third = (torch.fft.rfft2(part, s=self.padded) for part in (picture, picture.square(), one))
        return first, second, third

    def _back(self, spectrum: Tensor) -> Tensor:
        picture: Tensor = torch.fft.irfft2(spectrum, s=self.padded)
        return picture

    def best(self, luminance: Tensor, frame: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        """Correlation of the reference laid out as large as `frame` at the best shift, and the shift of its center
        from the active area's, (x, y) in sensor pixels."""
        size = (max(8, round(frame[0] * self.scale)), max(8, round(frame[1] * self.scale)))
        if size[0] > self.padded[0] - self.size[0] or size[1] > self.padded[1] - self.size[1]:
            return 0.0, (0.0, 0.0)
        other = feature(_resized(luminance, size))
        mine, square, here = self.spectra
        theirs, their_square, there = (spectrum.conj() for spectrum in self._spectra(other))
        overlap = self._back(here * there)
        energy = self._back(square * there).clamp(min=1e-3) * self._back(here * their_square).clamp(min=1e-3)
        enough = overlap > LEAST_OVERLAP * min(other.numel(), self.feature.numel())
        share = (overlap / min(other.numel(), self.feature.numel())).clamp(0, 1)
        score = torch.where(enough, self._back(mine * theirs) / energy.sqrt() * share.sqrt(), -1.0)
        at = int(score.argmax())
        row, column = divmod(at, self.padded[1])
        row -= self.padded[0] if row > self.size[0] else 0
        column -= self.padded[1] if column > self.size[1] else 0
        x = (column + (size[1] - self.size[1]) / 2) / self.scale + (self.view.columns - self.view.width) / 2
        y = (row + (size[0] - self.size[0]) / 2) / self.scale + (self.view.rows - self.view.height) / 2
        return float(score.flatten()[at]), (x, y)


def _fast(length: int) -> int:
    """The next length that a Fourier transform likes: 2, 3, 5 alone."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


def _resized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(picture[None, None], size=size, mode="bilinear", antialias=True)[0, 0]


def feature(luminance: Tensor) -> Tensor:
    """Log luminance, locally normalized: what stays of a picture under any look."""
    log = torch.log2(luminance.clamp(min=0) + _floor(luminance))
    above = log - _around(log)
    return above / (_around(above.square()) + FAINT**2).sqrt()


def _floor(luminance: Tensor) -> Tensor:
    """What is as dark as noise: of a thinned picture, by what is bright in it, and by what is usual."""
    some = luminance.flatten()
    some = some[:: max(1, some.numel() // 20000)]
    bright, usual = torch.quantile(some, 0.99), torch.quantile(some, 0.5)
    return torch.minimum(FLOOR * bright, USUAL * usual.clamp(min=0)).clamp(min=1e-6)


def _around(picture: Tensor) -> Tensor:
    """The mean of the neighborhood, twice over, which is nearly a Gauss bell."""
    for _ in range(2):
        for kernel in ((2 * AROUND + 1, 1), (1, 2 * AROUND + 1)):
            pad = (kernel[0] // 2, kernel[1] // 2)
            picture = F.avg_pool2d(picture[None, None], kernel, 1, pad, count_include_pad=False)[0, 0]
    return picture


# --- fine -------------------------------------------------------------------------------------------------------------

SCALES, AFFINE, LENS = "scales", "affine", "lens"


def refined(view: View, laid: Laid, start: Placement, long_edge: int, freedom: str, rounds: int = 2) -> Placement:
    """The placement better by Gauss-Newton at that size; `freedom`: which terms may move."""
    return _settled(_Level(view, long_edge), laid, start, freedom, rounds)


class _Level:
    """The sensor's picture at one size, with its feature and the relative place of each pixel."""

    def __init__(self, view: View, long_edge: int) -> None:
        times = max(1, round(max(view.luminance.shape) / long_edge))
        small = F.avg_pool2d(view.luminance[None, None], times)[0, 0]
        self.feature = feature(small)
        height, width = small.shape
        self.pitch = view.columns * times / view.luminance.shape[1]  # sensor pixels
        half = view.half_diagonal
        self.unit = half / self.pitch  # small pixels of one relative unit
        x = ((torch.arange(width) + 0.5) * self.pitch - view.width / 2) / half
        y = ((torch.arange(height) + 0.5) * self.pitch - view.height / 2) / half
        self.points = torch.stack(torch.meshgrid(x, y, indexing="xy"))

    def fetched(self, laid: Laid, placement: Placement) -> tuple[Tensor, Tensor]:
        """The reference on this level's pixels, as a feature, and where it has any."""
        luminance, inside = on_luminance(laid, *in_pixels(placement, laid, self.points, 1 / self.unit))
        return _feature_within(luminance, inside), inside

    def step(
        self, laid: Laid, placement: Placement, freedom: str, iterations: int = 6
    ) -> tuple[Placement, float, float]:
        """One linearization around `placement`, solved by iteration: the new one, its correlation, and how far points
        have moved at most, in this level's pixels."""
        other, inside = self.fetched(laid, placement)
        weight = _eroded(inside)
        if weight.sum() < 200:
            return placement, 0.0, 0.0
        inverse = torch.linalg.inv(torch.tensor(placement.matrix, dtype=torch.float64)).to(torch.float32)
        directions = self._directions(placement, inverse, freedom)
        found = torch.zeros(len(directions), dtype=torch.float64)
        mine_x, mine_y = _slopes(self.feature)
        correlation = 0.0
        for _ in range(iterations):
            moves = torch.einsum("k,kchw->chw", found.to(torch.float32), directions) * self.unit
            seen, there = _shifted(other, moves), _shifted(weight, moves) * weight
            correlation = _correlation(self.feature, seen, there)
            slope_x, slope_y = _slopes(seen)
            slope = torch.stack([(slope_x + mine_x) / 2, (slope_y + mine_y) / 2]) * self.unit
            error = self.feature - seen
            spread = 1.5 * error[there > 0.5].abs().median().clamp(min=0.05)
            robust = there / (1 + (error / (2 * spread)).square()).square()
            rows = torch.einsum("chw,kchw->khw", slope, directions).flatten(1)
            weighted = rows * robust.flatten()
            normal = (weighted @ rows.T).to(torch.float64)
            normal += torch.diag(normal.diagonal() * 1e-4 + 1e-9)
            update = torch.linalg.solve(normal, (weighted @ error.flatten()).to(torch.float64))
            found = found + update
            moved = torch.einsum("k,kchw->chw", update.to(torch.float32), directions) * self.unit
            if float(moved.abs().amax()) < 0.02:
                break
        moved = torch.einsum("k,kchw->chw", found.to(torch.float32), directions) * self.unit
        return _applied(placement, found.tolist(), freedom), correlation, float(moved.abs().amax())

    def _directions(self, placement: Placement, inverse: Tensor, freedom: str) -> Tensor:
        """(parameters, 2, h, w): how each parameter moves points, in the sensor's relative units."""
        points = self.points
        bent = points * _bend(placement, points)
        zero, one = torch.zeros_like(points[0]), torch.ones_like(points[0])
        moves = [torch.stack([one, zero]), torch.stack([zero, one])]
        moves += [torch.stack([bent[0], zero]), torch.stack([zero, bent[1]])]
        if freedom in (AFFINE, LENS):
            moves += [torch.stack([bent[1], zero]), torch.stack([zero, bent[0]])]
        stacked = torch.einsum("ij,kj...->ki...", inverse, torch.stack(moves))
        if freedom == LENS:
            r2 = points.square().sum(0)
            stacked = torch.cat([stacked, torch.stack([points * r2, points * r2.square()])])
        return stacked

    def residuals(self, laid: Laid, placement: Placement) -> tuple[Tensor, Tensor]:
        """How far each block would move by itself (2, blocks), in sensor pixels, and how sure that is (blocks)."""
        other, inside = self.fetched(laid, placement)
        weight = _eroded(inside)
        mine_x, mine_y = _slopes(self.feature)
        moves = torch.zeros(2, *BLOCKS)
        sure = torch.zeros(BLOCKS)
        for _ in range(3):
            field = F.interpolate(moves[None], size=self.feature.shape, mode="nearest")[0]
            seen, there = _shifted(other, field), _shifted(weight, field) * weight
            slope_x, slope_y = _slopes(seen)
            slope_x, slope_y = (slope_x + mine_x) / 2, (slope_y + mine_y) / 2
            error = self.feature - seen
            robust = there / (1 + error.square())
            sums = torch.stack(
                [
                    slope_x * slope_x * robust,
                    slope_x * slope_y * robust,
                    slope_y * slope_y * robust,
                    slope_x * error * robust,
                    slope_y * error * robust,
                    error.square() * robust,
                    robust,
                    self.feature * seen * robust,
                    (self.feature.square() + seen.square()) / 2 * robust,
                ]
            )
            xx, xy, yy, xe, ye, ee, count, common, energy = F.adaptive_avg_pool2d(sums[None], BLOCKS)[0].to(
                torch.float64
            )
            determinant = (xx * yy - xy * xy).clamp(min=1e-9)
            moves = moves + torch.stack([(yy * xe - xy * ye) / determinant, (xx * ye - xy * xe) / determinant]).to(
                moves
            )
            moves = moves.clamp(-3, 3)
            least = (xx + yy) / 2 - (((xx - yy) / 2).square() + xy * xy).sqrt()  # of the structure's two strengths
            # the variance of a block's shift: error over the structure that both have, over independent pixels
            structure = least * (common / energy.clamp(min=1e-6)).clamp(min=0) ** 2
            pixels = self.feature.numel() / (BLOCKS[0] * BLOCKS[1]) / INDEPENDENT
            sure = (structure * pixels / (ee / count.clamp(min=1e-6)).clamp(min=1e-3) * (count > 0.15)).to(moves)
        return moves.flatten(1) * self.pitch, sure.flatten()


def _feature_within(luminance: Tensor, inside: Tensor) -> Tensor:
    """The feature of a picture that ends somewhere: outside it goes on as its mean."""
    mean = luminance[inside].mean() if bool(inside.any()) else luminance.new_tensor(0.0)
    return feature(torch.where(inside, luminance, mean)) * inside


def _eroded(inside: Tensor) -> Tensor:
    """1 where the whole neighborhood is inside, so that no edge of the frame counts."""
    outside = F.max_pool2d((~inside).float()[None, None], 2 * AROUND + 1, 1, AROUND)[0, 0]
    return 1 - outside


def _slopes(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences along x and y; 0 at the edges."""
    x = F.pad((picture[:, 2:] - picture[:, :-2]) / 2, (1, 1, 0, 0))
    y = F.pad((picture[2:] - picture[:-2]) / 2, (0, 0, 1, 1))
    return x, y


def _shifted(picture: Tensor, moves: Tensor) -> Tensor:
    """Each pixel from where it is moved to, (2, h, w) x and y in pixels; bilinear."""
    height, width = picture.shape
    x = (torch.arange(width) + 0.5 + moves[0]) / width * 2 - 1
    y = (torch.arange(height)[:, None] + 0.5 + moves[1]) / height * 2 - 1
    grid = torch.stack([x, y], dim=-1)[None]
    return F.grid_sample(picture[None, None], grid, mode="bilinear", padding_mode="border", align_corners=False)[0, 0]


def _correlation(one: Tensor, other: Tensor, weight: Tensor) -> float:
    energy = (one.square() * weight).sum() * (other.square() * weight).sum()
    return float((one * other * weight).sum() / energy.sqrt().clamp(min=1e-9))


def _applied(placement: Placement, found: list[float], freedom: str) -> Placement:
    (a, b), (c, d) = placement.matrix
    shift = (placement.shift[0] + found[0], placement.shift[1] + found[1])
    a, d = a + found[2], d + found[3]
    if freedom in (AFFINE, LENS):
        b, c = b + found[4], c + found[5]
    radial = placement.radial
    if freedom == LENS:
        radial = (radial[0] + found[6], radial[1] + found[7])
    return replace(placement, matrix=((a, b), (c, d)), shift=shift, radial=radial)


# --- all of it --------------------------------------------------------------------------------------------------------

MOST_RESIDUAL = 0.3  # cells; half a cell costs more than a look can gain
STILL = 0.08  # cells: less is as good as it gets, no more terms are tried
WORTH = 0.8  # of the residual that must be left where more terms may move: cameras neither turn nor shear
INDEPENDENT = 4  # pixels that share their noise, since both pictures were blurred
NEAR = 0.3  # pixels: after so small a step the linearization holds
CERTAIN_PX = 0.15  # of this level's pixels: a block whose shift is less certain says nothing
LEAST_BLOCKS = 5


@dataclass(frozen=True)
class Registered:
    """What was found: a placement, and the reference as it lies under it."""

    placement: Placement
    laid: Laid
    blocks: int  # that had enough structure to tell how well it fits


def register(
    view: View, reference: Reference, orientation: int, areas: tuple[tuple[int, int], ...], cell: float
) -> Registered:
    """The best placement; whether it is good enough, `trouble` says.

    `orientation` is the raw's own, tried first; `areas` are heights and widths of crops that makers make; `cell`, in
    sensor pixels, is what the residual is measured in.
    """
    coarse = Coarse(view)
    laid = reference.laid(orientation)
    small = _small(laid.luminance)
    starts = _starts(coarse, small, laid, orientation, guesses(view, laid, areas))
    found = _best(view, laid, starts)
    if found.correlation < STRAIGHT:
        further = _starts(coarse, small, laid, orientation, ladder(view, laid))
        found = max(found, _best(view, laid, further), key=lambda placement: placement.correlation)
        starts += further
    if found.correlation < STRAIGHT:
        tilted = _best(view, laid, _tilted(coarse, small, laid, orientation, guesses(view, laid, areas)), AFFINE)
        found = max(found, tilted, key=lambda placement: placement.correlation)
    if found.correlation < TURN:
        others: list[tuple[float, Placement]] = []
        for other in (turn for turn in range(1, 9) if turn != orientation):
            turned = reference.laid(other)
            frames = [*guesses(view, turned, areas), *ladder(view, turned)]
            others += _starts(coarse, _small(turned.luminance), turned, other, frames)[:1]
        score, start = max(others, key=lambda each: each[0])
        if score > max(each for each, _ in starts):
            turned = reference.laid(start.orientation)
            again = _best(view, turned, [(score, start)])
            if again.correlation > found.correlation:
                found, laid = again, turned
    return _polished(view, laid, found, cell)


def trouble(registered: Registered) -> str:
    """Why the pair cannot be used; "" where it can."""
    placement = registered.placement
    if placement.correlation < SURE or (placement.correlation < STRAIGHT and registered.blocks < LEAST_BLOCKS):
        return "the two are not the same photo, or it was cut or bent in a way that could not be found"
    if registered.blocks < LEAST_BLOCKS:
        return "the photo has too little structure to lay the two on each other"
    if placement.residual > MOST_RESIDUAL:
        return (
            f"the two could not be laid on each other well enough: {placement.residual:.1f} cells are left, "
            f"{MOST_RESIDUAL} may be"
        )
    return ""


def _small(luminance: Tensor) -> Tensor:
    times = max(1, max(luminance.shape) // (3 * COARSE))
    return F.avg_pool2d(luminance[None, None], times)[0, 0]


def _starts(
    coarse: Coarse, small: Tensor, laid: Laid, orientation: int, frames: list[tuple[float, float]]
) -> list[tuple[float, Placement]]:
    """Placements by coarse search, the best three first, with their scores."""
    found = [(*coarse.best(small, frame), frame) for frame in frames]
    found.sort(key=lambda each: -each[0])
    return [(score, _placed(coarse.view, laid, orientation, frame, shift)) for score, shift, frame in found[:3]]


def _placed(
    view: View, laid: Laid, orientation: int, frame: tuple[float, float], shift: tuple[float, float]
) -> Placement:
    """The reference as large as `frame` (height, width) on the sensor, its center moved by `shift` (x, y)."""
    diagonal = math.hypot(laid.height, laid.width) / 2
    x, y = laid.width / frame[1], laid.height / frame[0]  # reference pixels a sensor's
    unit = view.half_diagonal / diagonal
    matrix = ((x * unit, 0.0), (0.0, y * unit))
    return Placement(orientation, matrix, (-shift[0] * x / diagonal, -shift[1] * y / diagonal))


def _tilted(
    coarse: Coarse, small: Tensor, laid: Laid, orientation: int, frames: list[tuple[float, float]]
) -> list[tuple[float, Placement]]:
    """The same of a picture that was turned by some degrees, and cut to what was left."""
    frames = [(height * share, width * share) for height, width in frames for share in CUT]
    found = []
    for degrees in TILTS:
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        back = _turned(small, sine, cosine)
        for score, start in _starts(coarse, back, laid, orientation, frames)[:1]:
            (a, _), (_, d) = start.matrix
            x, y = start.shift
            matrix = ((cosine * a, -sine * d), (sine * a, cosine * d))
            shift = (cosine * x - sine * y, sine * x + cosine * y)
            found.append((score, replace(start, matrix=matrix, shift=shift)))
    return found


def _turned(picture: Tensor, sine: float, cosine: float) -> Tensor:
    """Each pixel from where that turn around the center takes it."""
    height, width = picture.shape
    turn = picture.new_tensor([[cosine, -sine * height / width, 0], [sine * width / height, cosine, 0]])
    grid = F.affine_grid(turn[None], [1, 1, height, width], align_corners=False)
    return F.grid_sample(picture[None, None], grid, padding_mode="border", align_corners=False)[0, 0]


def _best(view: View, laid: Laid, starts: list[tuple[float, Placement]], freedom: str = SCALES) -> Placement:
    """The best starts refined at small sizes, until one fits without doubt; the one that fits best."""
    small, middle = _Level(view, COARSE), _Level(view, MIDDLE)
    best: Placement | None = None
    for score, start in sorted(starts, key=lambda each: -each[0])[:TRIED]:
        if best is not None and (best.correlation > CLEAR or score < 0.05):
            break
        settled = _settled(middle, laid, _settled(small, laid, start, freedom), freedom)
        if best is None or settled.correlation > best.correlation:
            best = settled
    assert best is not None
    return best


def _polished(view: View, laid: Laid, found: Placement, cell: float) -> Registered:
    if found.correlation < SURE:
        return Registered(found, laid, 0)
    level = _Level(view, FULL)
    best = _judged(level, laid, _settled(level, laid, found, SCALES), cell)
    for freedom in (AFFINE, LENS):
        if best.placement.residual < STILL or best.blocks < LEAST_BLOCKS:
            break
        start = best.placement if freedom == AFFINE else refined(view, laid, best.placement, MIDDLE, freedom)
        other = _judged(level, laid, _settled(level, laid, start, freedom), cell)
        if other.placement.residual < WORTH * best.placement.residual:
            best = other
    return best


def _settled(level: _Level, laid: Laid, placement: Placement, freedom: str, rounds: int = 2) -> Placement:
    for _ in range(rounds):
        moved, correlation, far = level.step(laid, placement, freedom)
        placement = replace(moved, correlation=correlation)
        if far < NEAR:
            break
    return placement


def _judged(level: _Level, laid: Laid, placement: Placement, cell: float) -> Registered:
    residual, blocks = _residual(*level.residuals(laid, placement), level.pitch, cell)
    return Registered(replace(placement, residual=residual), laid, blocks)


def _residual(moves: Tensor, sure: Tensor, pitch: float, cell: float) -> tuple[float, int]:
    """The root mean square of the blocks' own shifts, the surer ones counting more, in cells; how many tell."""
    tell = sure > CERTAIN_PX**-2
    count = int(tell.sum())
    if count == 0:
        return math.inf, 0
    weight = sure[tell].clamp(max=float(sure[tell].median()))
    return float(((moves[:, tell].square().sum(0) * weight).sum() / weight.sum()).sqrt()) / cell, count
