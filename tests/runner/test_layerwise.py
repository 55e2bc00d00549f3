from __future__ import annotations

import os

import pytest
import torch
from torch import Tensor

from ispd.errors import CannotCreate
from ispd.nets import from_state_dict
from ispd.nets.checkpoint import Network
from ispd.runner.layerwise import Tally, picture
from ispd.runner.store import Disk, Memory, Room
from tests.nets import seeded

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = 1 << 12  # bytes of a strip: as few rows as there may be


def network_of(name: str, level: int = 0, *, double: bool = False) -> Network:
    state = seeded.state(name)
    return from_state_dict(seeded.ARCHITECTURES[name], seeded.widened(state) if double else state, level)


def scene(height: int, width: int) -> Tensor:
    """Some light, some texture, a dark and a bright end: no part has the whole's statistics."""
    down, across = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    noise = torch.rand(4, height, width, generator=torch.Generator().manual_seed(4))
    return (0.05 + 0.7 * down * across + 0.2 * noise * across) * torch.tensor([0.6, 1.0, 0.5, 0.9])[:, None, None]


def in_strips(network: Network, packed: Tensor, room: int = 1 << 40) -> Tensor:
    with torch.inference_mode():
        made = picture(network, packed, lambda: None, room, SMALL)
        return made.rows(0, made.shape[1])[0]


@pytest.mark.parametrize(("name", "height", "width"), [("hdr", 88, 48), ("pynet", 48, 32)])
def test_strips_make_the_whole_frames_picture(name: str, height: int, width: int) -> None:
    packed = scene(height, width).double()
    network = network_of(name, double=True)
    torch.testing.assert_close(in_strips(network, packed), network(packed[None])[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_at_every_level(level: int) -> None:
    packed = scene(48, 32).double()
    network = network_of("hdr", level, double=True)
    torch.testing.assert_close(in_strips(network, packed), network(packed[None])[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("room", [1 << 40, 0, 2_000_000], ids=["in memory", "on disk", "in both"])
def test_in_single_precision_it_is_far_within_a_255th(room: int) -> None:
    packed, network = scene(88, 48), network_of("hdr")
    apart = (in_strips(network, packed, room) - network(packed[None])[0]).abs()
    assert apart.max() <= 0.05 / 255


def test_tiles_by_themselves_would_not() -> None:
    """Or the test above would say nothing."""
    packed, network = scene(88, 48), network_of("hdr")
    tiles = torch.cat([network(packed[None, :, :48])[0], network(packed[None, :, 48:])[0]], 1)
    assert (tiles - network(packed[None])[0]).abs().mean() > 2 / 255


def test_the_width_of_strips_is_of_no_consequence() -> None:
    packed, network = scene(48, 32), network_of("hdr")
    with torch.inference_mode():
        wide = picture(network, packed, lambda: None)
        torch.testing.assert_close(wide.rows(0, 96)[0], in_strips(network, packed), rtol=0, atol=1e-4)


def test_life_is_shown() -> None:
    beats: list[None] = []
    with torch.inference_mode():
        picture(network_of("hdr"), scene(32, 32), lambda: beats.append(None), strip=SMALL)
    assert len(beats) > 50


def test_a_tally_of_strips_is_that_of_the_whole_even_far_from_zero() -> None:
    whole = torch.randn(1, 5, 40, 7, generator=torch.Generator().manual_seed(5)) + 1000
    tally = Tally()
    for strip in (whole[:, :, :3], whole[:, :, 3:20], whole[:, :, 20:]):
        tally.add(strip)
    torch.testing.assert_close(tally.mean, whole.double().mean((0, 2, 3)), rtol=1e-7, atol=0)
    torch.testing.assert_close(tally.variance(1), whole.double().var((0, 2, 3)), rtol=1e-3, atol=0)


def test_a_full_disk_is_an_error_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(CannotCreate, match="room in /var/tmp: No space left"):
        in_strips(network_of("hdr"), scene(32, 32), room=0)


def test_memory_that_is_given_back_is_used_again() -> None:
    room, like = Room(4 * 3 * 8 * 8), torch.zeros(0)
    first = room.new((3, 8, 8), like)
    assert isinstance(first, Memory)
    assert isinstance(room.new((3, 8, 8), like), Disk)
    del first
    assert isinstance(room.new((3, 8, 8), like), Memory)
