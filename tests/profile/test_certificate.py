"""What a learned profile says of itself, and of a photo that lies outside of what it was learned on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ispd import toml
from ispd.errors import ConfigError
from ispd.orders import Facts
from ispd.profile.certificate import Certificate, outside
from ispd.profile.profile import Profile, from_json, read_page, to_json, to_toml

SUNNY = Facts(iso=100, exposure_seconds=1 / 128, f_number=16.0, warmth=-0.5)  # log2(16² · 128) = 15 EV
LEARNED = Certificate(iso=(100.0, 800.0), ev=(12.0, 15.0), warmth=(-0.7, -0.4))


def test_scene_ev_is_what_the_sunny_16_rule_says() -> None:
    assert SUNNY.scene_ev == pytest.approx(15.0)
    assert replace(SUNNY, iso=400).scene_ev == pytest.approx(13.0)  # as bright at two stops more speed: darker
    assert replace(SUNNY, f_number=None).scene_ev is None


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (SUNNY, ""),
        (Facts(), ""),  # what is not said is not judged
        (replace(SUNNY, iso=50, exposure_seconds=1 / 64), ""),  # within a stop
        (replace(SUNNY, iso=6400, exposure_seconds=1 / 8192), "ISO 6400 (learned on 100 to 800)"),
        (replace(SUNNY, exposure_seconds=1 / 2), "a scene of 9.0 EV (learned on 12 to 15)"),
        (replace(SUNNY, warmth=1.1), "a redder light by 1.5 stops"),
        (replace(SUNNY, warmth=-1.2), "a bluer light by 0.5 stops"),
    ],
)
def test_what_lies_outside_is_named_with_what_was_learned(facts: Facts, said: str) -> None:
    assert outside(LEARNED, facts) == said


def test_a_certificate_that_knows_nothing_finds_nothing_outside() -> None:
    assert outside(Certificate(), SUNNY) == ""


def test_it_comes_back_from_toml_and_only_its_version_from_an_order() -> None:
    full = Certificate(
        version=3, pairs=8, held_out_mean=1.5, split="blocks", family="lattice-9", seed=7, ispd="0.1",
        iso=(100.0, 800.0), hues=(0.5,) * 12, photos=("ab" * 32,), models=("Nikon D90",),
    )  # fmt: skip
    profile = Profile("film", fit=full)
    assert read_page(toml.parse(to_toml(profile)[0], "film.toml")) == profile
    assert from_json(to_json(profile)).fit == Certificate(version=3)


def test_equal_looks_of_one_version_are_one_digest_whatever_their_errors() -> None:
    one, other = (Profile("film", fit=Certificate(held_out_mean=error)) for error in (1.0, 2.0))
    assert to_json(one) == to_json(other)
    assert to_json(one) != to_json(Profile("film", fit=Certificate(version=2)))


def test_a_certificate_edited_by_hand_is_checked() -> None:
    with pytest.raises(ConfigError) as caught:
        read_page(toml.parse('name = "film"\n[fit]\niso = [800, 100]\nhues = [2]\nversion = 0', "film.toml"))
    assert caught.value.problems == (
        "film.toml:3: fit.iso = [800, 100] must never fall; number 2, 100, is below the one before it, 800",
        "film.toml:4: fit.hues = [2] must lie in 0 to 1; number 1 is 2",
        "film.toml:5: fit.version = 0 must lie in 1 to 99999",
    )
