import pytest
import torch

from ispd.isp.values import Mosaic
from ispd.nets.train.evaluate import STRATA, Result, entries, measured, table
from ispd.nets.train.radiance import Scene
from ispd.nets.train.simulation import Chance
from tests.nets.train.scenes import world


def test_a_map_has_the_same_views_whatever_lies_beside_it() -> None:
    alone, beside = entries([world()], 0, views=2), entries([world("other"), world()], 0, views=2)[2:]
    for one, same in zip(alone, beside, strict=True):
        assert (one.name, one.stratum) == (same.name, same.stratum)
        assert torch.equal(one.mosaic.samples, same.mosaic.samples)
        assert torch.equal(one.wanted, same.wanted)
        assert torch.equal(one.rival, same.rival)
    (different,) = entries([world()], 1, views=1)
    assert not torch.equal(alone[0].mosaic.samples, different.mosaic.samples)


def test_a_name_of_any_bytes_has_views() -> None:
    assert entries([world(b"caf\xe9".decode(errors="surrogateescape"))], 0, views=1)[0].stratum in STRATA


@pytest.mark.parametrize("size", [(32, 33), (41, 57), (33, 300), (32, 1023)])
def test_maps_of_any_size_and_any_light_have_views(size: tuple[int, int]) -> None:
    """Mostly black with one lamp, millions of times as bright as the rest: every picture is finite."""
    light = torch.rand(3, *size, generator=Chance(1).generator) * 1e-3
    light[:, : size[0] // 2] = 0
    light[:, 5:7, 9:12] = 1e7
    for one in entries([Scene("lamp", light, size[0] / 2 if size[1] > 2 * size[0] else None)], 0, views=6):
        for picture in (one.mosaic.samples, one.wanted, one.rival):
            assert bool(picture.isfinite().all())


def test_what_is_wanted_is_the_best_that_there_is() -> None:
    shown = entries([world()], 0, views=3)
    pictures = {id(one.mosaic): one.wanted for one in shown}

    def grey(mosaic: Mosaic) -> torch.Tensor:
        return torch.full_like(pictures[id(mosaic)], 0.5)

    for result in measured({"perfect": lambda mosaic: pictures[id(mosaic)], "grey": grey}, shown):
        assert result.psnr["perfect"] == pytest.approx(100)
        assert result.psnr["grey"] < result.psnr["rival"] < 100


def test_means_are_over_views_and_strata_from_easy_to_hard() -> None:
    found = table(
        [
            Result("very noisy, whole", {"a": 10.0, "rival": 20.0}),
            Result("clean, much clipped", {"a": 31.0, "rival": 30.0}),
            Result("very noisy, whole", {"a": 13.0, "rival": 22.0}),
        ]
    )
    assert found["psnr"] == {"a": 18.0, "rival": 24.0}
    assert list(found["strata"]) == ["clean, much clipped", "very noisy, whole"]
    assert found["strata"]["very noisy, whole"] == {"a": 11.5, "rival": 21.0, "views": 2}
