"""VGG-19 as far as its 16th ReLU: how like two pictures are to a network that was taught to tell things apart.

Takes   (N, 3, H, W), sRGB-encoded, in [0, 1]
Gives   (N, 512, H/16, W/16)
Source  K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks" (ICLR 2015), configuration E; torchvision's
        names and normalization.  Its weights (`vgg19-dcbb9e9d.pth`) do not come with ispd
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ispd.nets.checkpoint import check

CHANNELS = (64, 64, "pool", 128, 128, "pool", *(256,) * 4, "pool", *(512,) * 4, "pool", *(512,) * 4)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


class Vgg19Features(nn.Module):
    """Frozen."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for made in CHANNELS:
            if isinstance(made, int):
                layers += [nn.Conv2d(before, made, 3, padding=1), nn.ReLU()]
                before = made
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        mean, deviation = (x.new_tensor(numbers)[:, None, None] for numbers in (MEAN, DEVIATION))
        features: Tensor = self.features((x - mean) / deviation)
        return features


def vgg19_features(state: Mapping[str, Tensor]) -> Vgg19Features:
    """With these weights; those of the classifier that comes after are left out.  Raises BadModel."""
    state = {name: tensor for name, tensor in state.items() if not name.startswith("classifier.")}
    with torch.device("meta"):
        network = Vgg19Features()
    check(network.state_dict(), state)
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(requires_grad=False)


def vgg_loss(network: Vgg19Features, made: Tensor, wanted: Tensor) -> Tensor:
    """Mean square of what the features differ by."""
    return F.mse_loss(network(made), network(wanted))
