from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ispd.isp.color.transfer import decode, encode
from ispd.isp.params import Cube
from ispd.isp.stages.lattice import identity, lattice
from ispd.isp.values import DisplayRGB

LIGHT = torch.rand(3, 9, 11, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 1.4 - 0.2


def through(nodes: Tensor, encoded: Tensor) -> Tensor:
    return encode(lattice(DisplayRGB(decode(encoded, "srgb")), nodes), "srgb")


@pytest.mark.parametrize("size", [2, 5, 17])
def test_a_lattice_that_moves_nothing_is_nothing(size: int) -> None:
    torch.testing.assert_close(lattice(DisplayRGB(LIGHT), identity(size, LIGHT)), LIGHT)


def test_red_is_the_fastest_axis() -> None:
    nodes = identity(2, LIGHT)
    nodes[0, 0, 1] = torch.tensor([0.5, 0.25, 0.125])  # blue 0, green 0, red 1
    red = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).reshape(3, 1, 1)
    torch.testing.assert_close(through(nodes, red).flatten(), nodes[0, 0, 1])


@given(red=st.floats(-0.3, 1.3), green=st.floats(-0.3, 1.3), blue=st.floats(-0.3, 1.3))
def test_an_affine_change_is_met_between_nodes_and_its_shift_held_outside(
    red: float, green: float, blue: float
) -> None:
    mixing = torch.tensor([[0.8, 0.15, 0.0], [0.1, 0.85, 0.0], [0.0, 0.1, 0.9]], dtype=torch.float64)
    nodes = identity(5, LIGHT) @ mixing.T + 0.02
    color = torch.tensor([red, green, blue], dtype=torch.float64)
    inside = color.clamp(0, 1)
    expected = color + (mixing @ inside + 0.02 - inside)
    torch.testing.assert_close(through(nodes, color[:, None, None]).flatten(), expected, atol=1e-9, rtol=1e-7)


def test_the_bytes_of_a_file_are_the_same_nodes() -> None:
    nodes = identity(3, torch.zeros(1)) ** 2
    cube = Cube(3, nodes.numpy().astype("<f4").tobytes())
    torch.testing.assert_close(lattice(DisplayRGB(LIGHT), cube), lattice(DisplayRGB(LIGHT), nodes))


def test_every_node_can_learn() -> None:
    nodes = identity(3, LIGHT).requires_grad_()
    color = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (slope,) = torch.autograd.grad(through(nodes, color).square().sum(), nodes)
    assert bool((slope.abs().sum(dim=-1) > 0).all())
