"""The published networks and losses, against what the published code answers to seeded weights and pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ispd.nets import from_state_dict, losses, pack_bayer
from ispd.nets.vgg import vgg19_features, vgg_loss
from tests.nets import seeded

GOLDEN = seeded.CHECKPOINTS / "golden.npz"
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(not GOLDEN.is_file(), reason=f"the golden data are not here: {GOLDEN}"),
]

SUMS = {
    "hdr": (197, 6_473_474, "ddd4ad352ba6f887a83a09d9fa600358b21a6b3fc3efc50df5e017431d20e543"),
    "pynet": (542, 47_554_738, "c68242cfbbff63a013e01f3b9d0c776a7bc98a62e56ebf8f4e30862da1b9442d"),
    "vgg19_features": (32, 20_024_384, "8eee8d60877568f3cc7f1ae07396aca8a2da5d73ee42d4c6b823f1734b0266d3"),
}
FLOAT32 = {"hdr": dict.fromkeys("ABCD", 1e-4), "pynet": {"A": 1e-4, "B": 1e-4, "D": 2e-3}}
FEATURES = {  # what each level's head looks at
    "hdr": {4: "out_cbam_l4", 3: "out_cbam_l3", 2: "conv_l2_d3", 1: "conv_l1_d3"},
    "pynet": {5: "conv_l5_d4", 4: "conv_l4_d8", 3: "conv_l3_d8", 2: "conv_l2_d12", 1: "conv_l1_d14"},
}


@pytest.fixture(scope="module")
def golden() -> Mapping[str, Any]:
    with np.load(GOLDEN) as file:
        return dict(file)


def picture(golden: Mapping[str, Any], name: str) -> Tensor:
    return torch.from_numpy(golden[name]).to(torch.float32) / 255


@pytest.mark.parametrize("name", SUMS)
def test_names_shapes_and_order_are_the_published_ones(name: str) -> None:
    state = seeded.state(name)
    shapes = json.loads((seeded.CHECKPOINTS / "shapes.json").read_text())[name]
    assert [(key, list(value.shape)) for key, value in state.items()] == list(shapes.items())
    digest = hashlib.sha256(b"".join(value.numpy().astype("<f4").tobytes() for value in state.values()))
    assert (len(state), sum(value.numel() for value in state.values()), digest.hexdigest()) == SUMS[name]


@pytest.mark.parametrize(("name", "level"), [*(("hdr", k) for k in range(5)), *(("pynet", k) for k in range(2, 6))])
def test_every_head_answers_as_published(golden: Mapping[str, Any], name: str, level: int) -> None:
    network = from_state_dict(seeded.ARCHITECTURES[name], seeded.widened(seeded.state(name)), level)
    for given in "CD" if name == "hdr" else "D":  # the smallest; A, of the heads of level 0, is below
        made = network(torch.from_numpy(golden[f"in/{given}"]).double())
        torch.testing.assert_close(
            made.float(), torch.from_numpy(golden[f"{name}/{given}/L{level}"]), rtol=0, atol=1e-6
        )


@pytest.mark.parametrize("name", FLOAT32)
def test_float32_answers_nearly_so(golden: Mapping[str, Any], name: str) -> None:
    network = from_state_dict(seeded.ARCHITECTURES[name], seeded.state(name))
    for given, tolerance in FLOAT32[name].items():
        if given == "A" and name == "pynet":
            continue  # B is as large
        made = network(torch.from_numpy(golden[f"in/{given}"]))
        torch.testing.assert_close(made, torch.from_numpy(golden[f"{name}/{given}/L0"]), rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", FLOAT32)
def test_modules_of_the_published_names_make_what_is_published_of_them(golden: Mapping[str, Any], name: str) -> None:
    network = from_state_dict(seeded.ARCHITECTURES[name], seeded.widened(seeded.state(name)))
    seen: dict[str, Tensor] = {}
    for part, module in network.named_children():

        def kept(module: nn.Module, given: Any, made: Tensor, part: str = part) -> None:
            seen[part] = made

        module.register_forward_hook(kept)
    made = network(torch.from_numpy(golden["in/A"]).double())
    torch.testing.assert_close(made.float(), torch.from_numpy(golden[f"{name}/A/L0"]), rtol=0, atol=1e-6)
    stats = zip(*(golden[f"{name}/trace/{kind}"] for kind in ("names", "shape", "stats")), strict=True)
    published = {str(part): (shape, numbers) for part, shape, numbers in stats}
    assert len(seen) >= 40
    for part, made in seen.items():
        shape, numbers = published[part]
        own = [made.mean().item(), made.std(correction=0).item(), *made.flatten()[:6].tolist()]
        assert tuple(made.shape) == tuple(shape), part
        np.testing.assert_allclose(own, numbers, rtol=1e-6, atol=1e-6, err_msg=part)
    for level, part in FEATURES[name].items():
        head = torch.sigmoid(network.get_submodule(f"conv_l{level}_out")(seen[part])).float()
        torch.testing.assert_close(head, torch.from_numpy(golden[f"{name}/A/L{level}"]), rtol=0, atol=1e-6)


def test_packing(golden: Mapping[str, Any]) -> None:
    packed = pack_bayer(torch.from_numpy(golden["pack/mosaic"].astype(np.int32)), "RGGB")
    assert torch.equal(packed, torch.from_numpy(golden["pack/packed"]))


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("a/inverse-quadratic", {}),
        ("a/RBF", {"method": "RBF"}),
        ("a/thresholding", {"method": "thresholding"}),
        ("b/inverse-quadratic", {}),
        ("a/inverse-quadratic/h16", {"bins": 16}),
        ("a/inverse-quadratic/no_intensity", {"intensity_scale": False}),
        ("big/inverse-quadratic/interpolation", {}),
        ("big/RBF/interpolation", {"method": "RBF"}),
        ("big/thresholding/interpolation", {"method": "thresholding"}),
        ("big/inverse-quadratic/sampling", {"resizing": "sampling"}),
    ],
)
def test_histograms(golden: Mapping[str, Any], key: str, asked: dict[str, Any]) -> None:
    wanted = torch.from_numpy(golden[f"hist/{key}"])
    images = picture(golden, f"hist/{key.split('/')[0]}_u8")[: len(wanted)]
    torch.testing.assert_close(losses.rgbuv_histogram(images, **asked), wanted, rtol=0, atol=1e-7)


def test_distances(golden: Mapping[str, Any]) -> None:
    a, b = (torch.from_numpy(golden[f"hist/{name}/inverse-quadratic"]) for name in "ab")
    for key, part in (("a_b_batch2", slice(2)), ("a0_b0", slice(1)), ("a1_b1", slice(1, 2))):
        assert losses.histogram_distance(a[part], b[part]).item() == pytest.approx(
            golden[f"histdist/{key}"].item(), rel=1e-6
        )


def test_structural_similarity(golden: Mapping[str, Any]) -> None:
    p, q = picture(golden, "ssim/p_u8"), picture(golden, "ssim/q_u8")
    answers = {
        "p_q": losses.ms_ssim(p, q),
        "p0_q0": losses.ms_ssim(p[:1], q[:1]),
        "p1_q1": losses.ms_ssim(p[1:], q[1:]),
        "p_p": losses.ms_ssim(p, p),
        "normalize": losses.ms_ssim(p, q, "mapped to 0…1"),
        "x255": losses.ms_ssim(p * 255, q * 255),
        "minus1_1": losses.ms_ssim(2 * p - 1, 2 * q - 1),
        "q_inverted": losses.ms_ssim(p, 1 - p),
        "crop64": losses.ms_ssim(p[:1, :, :64, :64], q[:1, :, :64, :64]),
    }
    for key, answer in answers.items():
        assert answer.item() == pytest.approx(golden[f"ssim/msssim_{key}"].item(), rel=1e-6, nan_ok=True), key
    np.testing.assert_allclose(losses.scales(p, q), golden["ssim/scales_ssim_cs"], rtol=1e-6)


def test_vgg_features(golden: Mapping[str, Any]) -> None:
    network = vgg19_features(seeded.state("vgg19_features"))
    p, q = (picture(golden, f"ssim/{name}_u8")[:1, :, :48, :64] for name in "pq")
    features = torch.from_numpy(golden["vgg/feat_p0_48x64"])  # float32, 2e-6 of its greatest from float64
    torch.testing.assert_close(network(p), features, rtol=0, atol=3e-6 * features.max().item())
    assert vgg_loss(network, p, q).item() == pytest.approx(golden["vgg/mse_p0_q0_48x64"].item(), rel=1e-6)
