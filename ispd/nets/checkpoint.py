"""A state dict becomes a module, or it is said by name what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from ispd.errors import BadModel
from ispd.nets.pynet import PyNet
from ispd.nets.raw_to_tonemapped_hdr import RawToTonemappedHdr

Architecture: TypeAlias = Literal["raw-to-tonemapped-hdr", "pynet"]
Network: TypeAlias = RawToTonemappedHdr | PyNet
NAMED = 8  # tensors in a complaint; a wrong architecture misses hundreds


def from_state_dict(architecture: str, state: Mapping[str, Tensor], level: int = 0) -> Network:
    """The network that these tensors are the weights of, in their own precision, ready to be asked.

    Names may begin with `module.`, as training on several cards leaves them.  Raises BadModel where the architecture
    or level is unknown, or tensors are missing, too many, misshapen, not floating or not finite.
    """
    state = {name: tensor.detach() for name, tensor in unwrapped(state).items()}
    with torch.device("meta"):
        network = build(architecture, level, _has_level1_norm(state))
    check(network.state_dict(), state)
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(requires_grad=False)


def build(architecture: str, level: int, level1_norm: bool = True) -> Network:
    """The network as training begins it.  Raises BadModel where the architecture or the level is unknown."""
    kinds: dict[str, type[RawToTonemappedHdr | PyNet]] = {"raw-to-tonemapped-hdr": RawToTonemappedHdr, "pynet": PyNet}
    kind = kinds.get(architecture)
    if kind is None:
        raise BadModel(f'"{architecture}" is no architecture; there are {", ".join(get_args(Architecture))}')
    if not 0 <= level <= kind.DEEPEST:
        raise BadModel(f"{architecture} has levels 0 to {kind.DEEPEST}, not {level}")
    return PyNet(level, level1_norm) if kind is PyNet else kind(level)


def unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the `module.` that training on several cards puts before every name."""
    prefix = "module." if state and all(name.startswith("module.") for name in state) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def _has_level1_norm(state: Mapping[str, Tensor]) -> bool:
    """Only PyNET can be without, and is then without all of it."""
    levels = [f"conv_l1_d{number}." for number in (5, 6, 7, 8, 9, 10, 12)]
    return any(".instance." in name and name.startswith(tuple(levels)) for name in state)


def check(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Whether `given` fits a network of `wanted`.  Raises BadModel with everything that does not, by name."""
    misshapen = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in given and given[name].shape != tensor.shape
    ]
    shaped = [name for name in wanted if name in given and given[name].shape == wanted[name].shape]
    strange = [name for name in shaped if not given[name].is_floating_point()]
    numbers = [name for name in shaped if given[name].is_floating_point()]
    faults = {
        "missing": [name for name in wanted if name not in given],
        "not of this network": [name for name in given if name not in wanted],
        "of another shape": misshapen,
        "not floating point": strange,
        "with values that are no finite numbers": [name for name in numbers if not given[name].isfinite().all()],
    }
    if said := [f"{len(names)} {fault}: {_some(names)}" for fault, names in faults.items() if names]:
        raise BadModel("the tensors do not fit the network: " + "; ".join(said))


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
