from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ispd.errors import BadModel
from ispd.nets import from_state_dict
from ispd.nets.checkpoint import build
from ispd.nets.pynet import PyNet
from tests.nets import seeded

pytestmark = pytest.mark.usefixtures("one_thread")

HDR = "raw-to-tonemapped-hdr"


@pytest.fixture
def state() -> dict[str, Tensor]:
    return dict(seeded.state("hdr"))


@pytest.mark.parametrize(("architecture", "tensors", "numbers"), [(HDR, 197, 6_473_474), ("pynet", 542, 47_554_738)])
def test_as_many_tensors_and_numbers_as_published(architecture: str, tensors: int, numbers: int) -> None:
    with torch.device("meta"):
        state = build(architecture, 0).state_dict()
    assert (len(state), sum(tensor.numel() for tensor in state.values())) == (tensors, numbers)


def test_the_prefix_of_several_cards_goes(state: dict[str, Tensor]) -> None:
    wrapped = from_state_dict(HDR, {f"module.{name}": tensor for name, tensor in state.items()})
    assert list(wrapped.state_dict()) == list(state)


def test_pynet_without_norm_at_level_1_is_known_by_its_tensors() -> None:
    with torch.device("meta"):
        names = PyNet(0, level1_norm=False).state_dict()
    network = from_state_dict("pynet", {name: torch.zeros(meta.shape) for name, meta in names.items()})
    assert list(network.state_dict()) == list(names)
    assert len(names) < 542


def test_what_is_missing_too_much_or_misshapen_is_named(state: dict[str, Tensor]) -> None:
    del state["conv_l1_out.conv2d.bias"]
    state["conv_l9.weight"] = torch.zeros(3)
    state["conv_t0b.conv2d.weight"] = torch.zeros(16, 32, 5, 5)
    with pytest.raises(BadModel) as refused:
        from_state_dict(HDR, state)
    for name in ("conv_l1_out.conv2d.bias", "conv_l9.weight", "conv_t0b.conv2d.weight (16, 32, 5, 5)"):
        assert name in str(refused.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(state: dict[str, Tensor], number: float) -> None:
    spoiled = state["IEM_l1_3.fc2.bias"].clone()
    spoiled[3] = number
    with pytest.raises(BadModel, match=r"IEM_l1_3\.fc2\.bias"):
        from_state_dict(HDR, state | {"IEM_l1_3.fc2.bias": spoiled})


def test_integers_are_refused(state: dict[str, Tensor]) -> None:
    with pytest.raises(BadModel, match=r"not floating point: IEM_l1_3\.fc2\.bias"):
        from_state_dict(HDR, state | {"IEM_l1_3.fc2.bias": torch.zeros(16, dtype=torch.int64)})


def test_unknown_architectures_and_levels_are_refused(state: dict[str, Tensor]) -> None:
    with pytest.raises(BadModel, match="there are raw-to-tonemapped-hdr, pynet"):
        from_state_dict("unet", state)
    with pytest.raises(BadModel, match="levels 0 to 4, not 5"):
        from_state_dict(HDR, state, level=5)


@pytest.mark.parametrize("level", range(5))
def test_each_level_makes_a_picture_of_its_size(state: dict[str, Tensor], level: int) -> None:
    made = from_state_dict(HDR, state, level)(torch.rand(2, 4, 16, 32))
    assert made.shape == (2, 3, 32 >> level, 64 >> level)
    assert ((made > 0) & (made < 1)).all()
