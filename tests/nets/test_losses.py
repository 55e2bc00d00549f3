from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ispd.errors import BadModel
from ispd.nets import losses
from ispd.nets.losses import Kernel
from ispd.nets.vgg import Vgg19Features, vgg19_features

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(1))


def test_a_neutral_picture_lies_in_the_middle() -> None:
    """log-chroma 0, between the two middle bins of 64, on both axes of all planes."""
    histogram = losses.rgbuv_histogram(torch.full((1, 3, 8, 8), 0.4))
    middle = histogram[:, :, 31:33, 31:33]
    torch.testing.assert_close(middle, histogram[0, 0, 31, 31].expand_as(middle))
    assert middle.min() == histogram.max()


def test_histograms_do_not_depend_on_brightness_nor_on_places(images: Tensor) -> None:
    images = images * 0.5 + 0.2
    plain = losses.rgbuv_histogram(images)
    torch.testing.assert_close(losses.rgbuv_histogram(images / 2), plain, rtol=0.02, atol=1e-6)
    torch.testing.assert_close(losses.rgbuv_histogram(images.flip(2, 3)), plain)


@pytest.mark.parametrize("method", ["inverse-quadratic", "RBF"])
def test_gradients_are_finite_even_where_pictures_are_equal_or_black(method: Kernel, images: Tensor) -> None:
    images[0, :, :9] = 0
    wanted = losses.rgbuv_histogram(images, method=method)
    for start in (images.clone(), images.clone() * 0.9):
        made = start.requires_grad_()
        distance = losses.histogram_distance(losses.rgbuv_histogram(made, method=method), wanted)
        distance.backward()  # type: ignore[no-untyped-call]
        assert made.grad is not None
        assert made.grad.isfinite().all()


def test_the_published_distance_shrinks_with_the_batch_and_hellingers_does_not(images: Tensor) -> None:
    a, b = (losses.rgbuv_histogram(picture[None]) for picture in (images[0], images[1] ** 2))
    one = losses.histogram_distance(a, b)
    batch = losses.histogram_distance(a.repeat(4, 1, 1, 1), b.repeat(4, 1, 1, 1))
    assert batch.item() == pytest.approx(one.item() / 2)
    torch.testing.assert_close(losses.hellinger(a.repeat(4, 1, 1, 1), b.repeat(4, 1, 1, 1)), one.repeat(4))


def test_hellinger_of_histograms_that_share_nothing_is_1() -> None:
    a, b = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    a[0, 0, 0, 0] = b[0, 2, 3, 3] = 1
    assert losses.hellinger(a, b).item() == pytest.approx(1)
    assert losses.hellinger(a, a).item() == 0


def test_a_picture_is_like_itself_and_less_like_a_noisy_one() -> None:
    smooth = torch.sin(torch.arange(176 * 176) / 40).reshape(1, 1, 176, 176).expand(1, 3, -1, -1) / 2 + 0.5
    noise = 0.1 * torch.randn(smooth.shape, generator=torch.Generator().manual_seed(2))
    assert losses.ms_ssim(smooth, smooth).item() == pytest.approx(1)
    assert 0.3 < losses.ms_ssim(smooth, smooth + noise).item() < 0.99


def test_opposite_structure_is_nan_as_published_but_ends_no_training() -> None:
    picture = torch.rand(1, 3, 176, 176, generator=torch.Generator().manual_seed(3))
    assert math.isnan(losses.ms_ssim(picture, 1 - picture).item())
    made = (1 - picture).requires_grad_()
    loss = losses.ms_ssim_loss(made, picture)
    loss.backward()  # type: ignore[no-untyped-call]
    assert 0.9 < loss.item() <= 1
    assert made.grad is not None
    assert made.grad.isfinite().all()


def test_vgg_takes_torchvisions_names_and_leaves_the_classifier() -> None:
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Vgg19Features().state_dict().items()}
    numbers = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
    assert list(shapes) == [f"features.{number}.{kind}" for number in numbers for kind in ("weight", "bias")]
    state = {name: torch.full(shape, 0.01) for name, shape in shapes.items()} | {"classifier.0.weight": torch.zeros(2)}
    assert vgg19_features(state)(torch.rand(1, 3, 32, 48)).shape == (1, 512, 2, 3)
    del state["features.19.bias"]
    with pytest.raises(BadModel, match=r"features\.19\.bias"):
        vgg19_features(state)
