"""The residual lattice: what the curve and the matrices cannot say, solved for with all else held.

The lattice adds to encoded color, so the residuals are nearly linear in it: each round makes them so where it stands,
reweights them as the robust loss asks, and solves the ridge regression by conjugate gradients (each cell touches 8
nodes; 17³ of them would be no matrix to factor).  Nodes that no cell touches follow their neighbors, smoothly, and
fade towards no change: colors that the pairs have not shown stay near what the rest of the look makes of them.

Source  M. Hestenes, E. Stiefel, J. Res. Nat. Bur. Standards 49 (1952), with the diagonal as preconditioner
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from ispd.fit import model
from ispd.fit.cells import Cells
from ispd.fit.loss import residual, reweighted
from ispd.fit.model import Frame, Values
from ispd.fit.ridge import CUBE, CUBE_SMOOTH, cube_ridge
from ispd.isp.color.transfer import decode, encode

ROUNDS, TURNS, SMALL = 3, 60, 1e-5


@dataclass(frozen=True)
class Spread:
    """Which nodes each cell touches, how much: N cells from nodes, and the way back."""

    cells_from_nodes: Tensor
    nodes_from_cells: Tensor
    squares: Tensor  # nodes_from_cells with its numbers squared


def solve(cells: Cells, values: Values, frame: Frame, size: int) -> Values:
    """Values with a lattice of size³ nodes that makes up for what is left; it starts from theirs if they have one."""
    bare = {name: value for name, value in values.items() if name != "cube"}
    with torch.no_grad():
        code = encode(model.predicted(cells, bare, frame), "srgb")
    spread = _spread(code, size)
    nodes = values["cube"].reshape(-1, 3) if "cube" in values else code.new_zeros(size**3, 3)
    for _ in range(ROUNDS):
        nodes = nodes + _step(cells, code, spread, nodes, size)
    return bare | {"cube": nodes.reshape(size, size, size, 3)}


def _spread(code: Tensor, size: int) -> Spread:
    nodes, shares = _corners(code, size)
    count = code.shape[1]
    cell = torch.arange(count, device=code.device).repeat(8)
    there = torch.sparse_coo_tensor(
        torch.stack([nodes.flatten(), cell]), shares.flatten(), (size**3, count), check_invariants=False
    ).coalesce()
    back = there.t().coalesce()
    squares = torch.sparse_coo_tensor(there.indices(), there.values() ** 2, there.shape, check_invariants=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")  # only products are asked of it
        return Spread(back.to_sparse_csr(), there.to_sparse_csr(), squares.coalesce().to_sparse_csr())


def _corners(code: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """(8, N) the nodes around each code, and their shares of it, as the stage `lattice` has them."""
    place = code.clamp(0, 1) * (size - 1)
    before = place.floor().clamp(max=size - 2)
    after, before = place - before, before.long()
    nodes, shares = [], []
    for blue, green, red in product((0, 1), repeat=3):
        share = (after[0] if red else 1 - after[0]) * (after[1] if green else 1 - after[1])
        shares.append(share * (after[2] if blue else 1 - after[2]))
        nodes.append(((before[2] + blue) * size + before[1] + green) * size + before[0] + red)
    return torch.stack(nodes), torch.stack(shares)


def _step(cells: Cells, code: Tensor, spread: Spread, nodes: Tensor, size: int) -> Tensor:
    given = (code + (spread.cells_from_nodes @ nodes).T).requires_grad_()
    error = residual(decode(given, "srgb"), cells.aim)
    slopes = torch.stack([torch.autograd.grad(row.sum(), given, retain_graph=True)[0] for row in error])
    error = error.detach()
    weight = cells.weight * reweighted(error)
    square = torch.einsum("n,rcn,rdn->ncd", weight, slopes, slopes)
    pull = torch.einsum("n,rcn,rn->nc", weight, slopes, error)
    strength = 2 / len(cells.photos)

    def ridged(step: Tensor) -> Tensor:
        return strength * cube_ridge(step.reshape(size, size, size, 3)).reshape(-1, 3)

    def times(step: Tensor) -> Tensor:
        moved = torch.bmm(square, (spread.cells_from_nodes @ step)[..., None])[..., 0]
        return spread.nodes_from_cells @ moved + ridged(step)

    # a second difference has 1² + 2² + 1² = 6 of each node, along three axes
    own = spread.squares @ torch.diagonal(square, dim1=1, dim2=2)
    own = own + strength * (18 * CUBE_SMOOTH * (size - 1) ** 2 / 16 + CUBE) / size**3
    return conjugate(times, -(spread.nodes_from_cells @ pull) - ridged(nodes), own)


def conjugate(times: Callable[[Tensor], Tensor], wanted: Tensor, diagonal: Tensor) -> Tensor:
    """x with times(x) = wanted, for a symmetric positive `times`, `diagonal` being about its own."""
    x, left = torch.zeros_like(wanted), wanted.clone()
    scaled = left / diagonal
    direction, size = scaled, (left * scaled).sum()
    enough = SMALL * size
    for _ in range(TURNS):
        if size <= enough:
            break
        image = times(direction)
        along = size / (direction * image).sum()
        x, left = x + along * direction, left - along * image
        scaled = left / diagonal
        before, size = size, (left * scaled).sum()
        direction = scaled + size / before * direction
    return x
