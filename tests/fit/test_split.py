from __future__ import annotations

from dataclasses import replace

import torch

from ispd.fit.families import Family
from ispd.fit.learn import trials_of
from ispd.fit.split import FOLDS, scenes, split
from tests.fit import planted
from tests.fit.test_recovery import PLAIN


def test_every_photo_is_held_out_once_and_never_learned_from_there() -> None:
    pairs = planted.samples(PLAIN, range(9))
    parts = split(pairs, 0)
    assert parts.by == "photos"
    assert len(parts.folds) == FOLDS
    assert sorted(pair.name for fold in parts.folds for pair in fold.held) == sorted(pair.name for pair in pairs)
    for fold in parts.folds:
        assert not {pair.name for pair in fold.seen} & {pair.name for pair in fold.held}
        assert len(fold.seen) + len(fold.held) == len(pairs)


def test_a_burst_is_never_torn_apart() -> None:
    burst = [planted.sample(PLAIN, seed, captured=f"2026-05-01T12:00:{seed:02}") for seed in range(5)]
    others = planted.samples(PLAIN, range(10, 15))
    for seed in range(5):
        for fold in split([*burst, *others], seed).folds:
            held = {pair.name for pair in fold.held} & {pair.name for pair in burst}
            assert len(held) in (0, len(burst))


def test_photos_a_minute_apart_are_one_scene_over_the_turn_of_the_minute() -> None:
    times = ("2026-05-01T12:00:59", "2026-05-01T12:01:01", "2026-05-01T12:30:00")
    pairs = [planted.sample(PLAIN, seed, captured=time) for seed, time in enumerate(times)]
    assert sorted(map(len, scenes(pairs))) == [1, 2]


def test_two_scenes_are_split_by_blocks_that_do_not_overlap() -> None:
    pairs = planted.samples(PLAIN, range(2))
    parts = split(pairs, 0)
    assert parts.by == "blocks"
    for at in range(2):
        held = sum(fold.held[at].trust for fold in parts.folds)
        assert torch.equal(torch.as_tensor(held), pairs[at].trust)
        for fold in parts.folds:
            assert not bool(((fold.seen[at].trust > 0) & (fold.held[at].trust > 0)).any())


def test_a_fold_knows_nothing_of_what_it_is_judged_on() -> None:
    pairs = planted.samples(PLAIN, range(4))
    spoiled = [replace(pair, wanted=torch.rand(pair.wanted.shape) * 0.5) for pair in pairs]
    fold = split(pairs, 0).folds[0]
    held = {pair.name for pair in fold.held}
    other = [bad if bad.name in held else pair for pair, bad in zip(pairs, spoiled, strict=True)]
    first, second = (trials_of(split(some, 0), ("Acme One",), 0, "cpu")[0] for some in (pairs, other))
    for name, value in first.values(Family()).items():
        assert torch.equal(value, second.values(Family())[name])
    assert not torch.equal(first.errors(Family()), second.errors(Family()))
