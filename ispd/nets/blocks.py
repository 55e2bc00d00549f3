"""What both published networks are made of.  Tensor names are the checkpoints'; (N, C, H, W) in, (N, C', H', W') out.

Every block takes one tensor.  `Run` is how a network's `flow` calls them: by itself on whole tensors (`whole`), or in
strips of rows (`ispd.runner.layerwise`), so that what flows where is written once.

Source  A. Ignatov et al., PyNET (arXiv 2002.05509): multi-kernel blocks; Q. Wang et al., ECA-Net (CVPR 2020);
        S. Woo et al., CBAM (ECCV 2018); L. Yang et al., SimAM (ICML 2021); the rest as the checkpoints have it
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of every LeakyReLU
SIMAM_FLOOR = 1e-4

M = TypeVar("M")


class Run(Protocol[M]):
    """How a network's modules are called; M is what flows: tensors, or feature maps that are read in strips."""

    def __call__(self, module: nn.Module, *maps: M) -> M:
        """What the module makes of these maps, one after the other in its channels."""

    def join(self, *maps: M) -> M:
        """These maps, one after the other in the channels."""

    def sum(self, one: M, other: M) -> M:
        """Both added; `one` is not used again."""


class Whole:
    """On whole tensors, as torch does it."""

    def __call__(self, module: nn.Module, *maps: Tensor) -> Tensor:
        made: Tensor = module(self.join(*maps))
        return made

    def join(self, *maps: Tensor) -> Tensor:
        return maps[0] if len(maps) == 1 else torch.cat(maps, 1)

    def sum(self, one: Tensor, other: Tensor) -> Tensor:
        return one + other


whole = Whole()


class Conv(nn.Module):
    """Reflection pad, convolution, instance norm and LeakyReLU if it has them."""

    def __init__(self, channels: int, made: int, size: int, norm: bool = False, act: bool = True) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(channels, made, size)
        self.instance = nn.InstanceNorm2d(made, affine=True) if norm else None
        self.act = act

    @property
    def pad(self) -> int:
        return self.conv2d.kernel_size[0] // 2

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2d(F.pad(x, (self.pad,) * 4, mode="reflect"))
        if self.instance is not None:
            x = self.instance(full(x))
        return F.leaky_relu(x, SLOPE) if self.act else x


class Head(Conv):
    """To three channels; the sigmoid that follows is a module of its own, which has no tensors."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 3, 3, act=False)


class Multi(nn.Module):
    """Two convolutions after one another for each odd size from 3 to `greatest`, side by side."""

    def __init__(self, channels: int, made: int, greatest: int, norm: bool = True) -> None:
        super().__init__()
        self.sizes = range(3, greatest + 1, 2)
        for size in self.sizes:
            self.add_module(f"conv_{size}a", Conv(channels, made, size, norm))
            self.add_module(f"conv_{size}b", Conv(made, made, size, norm))

    def pairs(self) -> list[tuple[Conv, Conv]]:
        """First and second convolution of each size."""
        return [(self._conv(f"conv_{size}a"), self._conv(f"conv_{size}b")) for size in self.sizes]

    def _conv(self, name: str) -> Conv:
        conv = self.get_submodule(name)
        assert isinstance(conv, Conv)
        return conv

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([second(first(x)) for first, second in self.pairs()], 1)


class Up(nn.Module):
    """Twice as large, then a convolution.  The corners stay where they are, so where a sample lands depends on the
    size of the whole: a network of these cannot be run on tiles that know only themselves."""

    def __init__(self, channels: int, made: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(channels, made, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return F.leaky_relu(self.conv2d(F.pad(x, (1,) * 4, mode="reflect")), SLOPE)


class ECA(nn.Module):
    """Each channel weighed by the means of its neighbors in the order of channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 5, padding=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        near: Tensor = self.conv(full(x).mean((2, 3))[:, None])[:, 0]
        return x * torch.sigmoid(near)[:, :, None, None]


class _Spatial(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.conv(torch.stack([x.amax(1), x.mean(1)], 1)))


class _Channel(nn.Module):
    def __init__(self, channels: int, narrowing: int) -> None:
        super().__init__()
        inner = channels // narrowing
        self.linear_max = nn.Sequential(nn.Linear(channels, inner), nn.ReLU(), nn.Linear(inner, channels))
        self.linear_avg = nn.Sequential(nn.Linear(channels, inner), nn.ReLU(), nn.Linear(inner, channels))

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.sigmoid(self.linear_max(x.amax((2, 3))) + self.linear_avg(full(x).mean((2, 3))))
        return weight[:, :, None, None]


class CBAM(nn.Module):
    """Weighed by channel, then by place, and added to what came in."""

    def __init__(self, channels: int, narrowing: int) -> None:
        super().__init__()
        self.sam = _Spatial()  # before `cam`, as the checkpoints have it; it acts after it
        self.cam = _Channel(channels, narrowing)

    def forward(self, x: Tensor) -> Tensor:
        weighed: Tensor = self.cam(x) * x
        return torch.addcmul(x, self.sam(weighed), weighed)


class IEM(nn.Module):
    """32 channels weighed by place and by channel at once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(32, 32, 3, bias=False)
        self.fc1 = nn.Linear(32, 32)
        self.fc2 = nn.Linear(32, 16)
        self.fc3 = nn.Linear(16, 32)

    def gate(self, means: Tensor) -> Tensor:
        """(N, 32, 1, 1) from the means of the channels (N, 32)."""
        gate: Tensor = torch.sigmoid(self.fc3(F.relu(self.fc2(F.relu(self.fc1(means))))))
        return gate[:, :, None, None]

    def forward(self, x: Tensor) -> Tensor:
        place = torch.sigmoid(self.conv1(F.pad(x, (1,) * 4, mode="reflect")))
        return x * place * self.gate(full(x).mean((2, 3)))


class SimAM(nn.Module):
    """What stands out from its channel counts more.  No tensors."""

    def forward(self, x: Tensor) -> Tensor:
        x = full(x)
        mean = x.mean((2, 3), keepdim=True)
        return simam(x, mean, x.var((2, 3), keepdim=True))


def full(x: Tensor) -> Tensor:
    """In single precision at least: half of it has no room for the sums of a large frame."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def simam(x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """`variance` is the unbiased one."""
    return x * torch.sigmoid((x - mean) ** 2 / (4 * (variance + SIMAM_FLOOR)) + 0.5)
