"""White balance: under which light a photo was taken, where its file does not say.

Two guesses that are each right for many scenes: what is bright is white on the average (shades of grey), and edges
have the light's color on the average (grey edge), both as Minkowski means, which listen most to the greatest.  A scene
of one color fools both.  So the guess is only evidence, weighed against the lights that there are: the black body's as
this camera sees them, warm and cold ones rarer than daylight, with a little green or magenta.  What comes out is the
mean light, each weighed by how well it explains the guess.

Takes   the overview, not balanced; the shot's `lights`
Gives   the shot with the neutral and the matrix of that light; as it was where nothing can be told

Source  G. Finlayson, E. Trezzi, "Shades of gray and colour constancy", IS&T/SID CIC 12 (2004): p = 6
        J. van de Weijer, T. Gevers, A. Gijsenij, "Edge-based color constancy", IEEE TIP 16 (2007)
        the weighing: D. Brainard, W. Freeman, "Bayesian color constancy", JOSA A 14 (1997)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ispd.isp.survey.overview import Array, Overview
from ispd.isp.values import Light, Shot

FEWEST = 48  # whole blocks; fewer show no scene
BRIGHT = 0.95  # of white: a block nearer to it may hold clipped samples of a sensor that ends early
DIMMEST = 1e-4  # of white: a guess from less is one from noise
# natural logarithms of a channel against green: how far guesses lie off on photographs, and lights off the black body
GUESS_ERROR, TINT = 0.2, 0.05
USUAL, SPREAD = 200.0, 120.0  # mired: 5000 K; a standard deviation warmer is 3100 K, colder 12,500 K


def balanced(overview: Overview, shot: Shot) -> Shot:
    """The shot under the light that the photo tells of."""
    if not shot.lights or (guess := _guess(overview)) is None:
        return shot
    green = max(shot.colors.find("G"), 0)
    lights = np.log([light.neutral for light in shot.lights])
    off = (np.log(guess) - np.log(guess[green])) - (lights - lights[:, green : green + 1])
    weights = _weights(off, shot.lights)
    tint = TINT**2 / (TINT**2 + GUESS_ERROR**2)  # how much of what is left over is the light's rather than the guess's
    neutral = np.exp(weights @ (lights + tint * off))
    matrix = np.tensordot(weights, np.array([light.rec2020_from_camera for light in shot.lights]), axes=1)
    return replace(
        shot,
        neutral=tuple((neutral / neutral[green]).tolist()),
        rec2020_from_camera=tuple(tuple(row) for row in matrix.tolist()),
    )


def _weights(off: Array, lights: tuple[Light, ...]) -> Array:
    """How likely each light is, given how far off the guess it lies; they sum to 1."""
    mired = 1e6 / np.array([light.temperature_k for light in lights])
    doubt = (off**2).sum(axis=1) / (GUESS_ERROR**2 + TINT**2) + ((mired - USUAL) / SPREAD) ** 2
    weights = np.exp((doubt.min() - doubt) / 2)
    likely: Array = weights / weights.sum()
    return likely


def _guess(overview: Overview) -> Array | None:
    """The light's color, to a factor, by the scene alone; None where it shows too little."""
    light = overview.light
    whole = (overview.clipped == 0) & (light.max(axis=0) < BRIGHT)
    if np.count_nonzero(whole) < FEWEST:
        return None
    across = np.abs(np.diff(light, axis=2))[:, whole[:, 1:] & whole[:, :-1]]
    down = np.abs(np.diff(light, axis=1))[:, whole[1:] & whole[:-1]]
    means = (_mean(light[:, whole]), _mean(np.concatenate([across, down], axis=1)))
    guesses = [mean / mean.max() for mean in means if mean.min() > DIMMEST]
    return np.exp(np.mean(np.log(guesses), axis=0)) if guesses else None


def _mean(values: Array) -> Array:
    """(colors, n) to each color's Minkowski mean with p = 6."""
    light = np.clip(values, 0, None).astype(np.float64)
    cubes = light * light * light  # numpy's own powers take ten times as long
    mean: Array = ((cubes * cubes).sum(axis=1) / max(1, values.shape[1])) ** (1 / 6)
    return mean
