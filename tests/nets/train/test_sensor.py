import torch

from ispd.isp import render
from ispd.isp.stages.levels import levels
from ispd.isp.values import Window
from ispd.nets.train.radiance import view
from ispd.nets.train.sensor import Exposed, body, expose
from ispd.nets.train.simulation import SIMULATION, Chance
from ispd.nets.train.target import SIMULATED, target
from tests.nets.train.scenes import world


def shot(seed: int) -> Exposed:
    chance = Chance(seed)
    return expose(view(world(), 96, chance), chance)


def test_the_same_seed_gives_the_same_shot() -> None:
    once, again, other = shot(3), shot(3), shot(4)
    assert torch.equal(once.mosaic.samples, again.mosaic.samples)
    assert once.mosaic.shot == again.mosaic.shot
    assert torch.equal(target(once), target(again))
    assert not torch.equal(once.mosaic.samples, other.mosaic.samples)


def test_a_third_of_the_shots_at_least_is_nearly_clean_and_a_tenth_clips_at_most() -> None:
    shots = [shot(seed) for seed in range(40)]
    assert SIMULATION.noise.clean >= 1 / 3
    assert max(one.clipped for one in shots) <= SIMULATION.exposure.most_clipped + 0.01
    assert any(one.clipped == 0 for one in shots)


def test_neutral_light_is_neutral_to_every_body() -> None:
    for seed in range(20):
        matrix = torch.tensor(body(Chance(seed)).rec2020_from_camera)
        assert torch.allclose(matrix.sum(dim=1), torch.ones(3), atol=1e-5)


def test_balanced_samples_are_the_truth_plus_noise_where_nothing_clips() -> None:
    taken = next(one for one in map(shot, range(100)) if one.noise < 0.06 and one.clipped == 0)
    raw, _, _ = render.balanced(taken.mosaic, SIMULATED)
    red = taken.truth[0, ::2, ::2]
    difference = raw.samples[0, ::2, ::2] - red
    assert float(difference.abs().mean()) < 0.05 * float(red.mean())
    assert abs(float(difference.mean())) < 0.005 * float(red.mean())


def test_codes_lie_between_zero_and_white_and_black_is_where_it_should_be() -> None:
    for seed in range(6):
        taken = shot(seed)
        samples, p = taken.mosaic.samples, taken.mosaic.shot.levels
        assert float(samples.min()) >= 0
        assert float(samples.max()) <= p.white[0]
        assert float(levels(samples, p, Window(0, 96, 96)).samples.max()) <= 1.0
