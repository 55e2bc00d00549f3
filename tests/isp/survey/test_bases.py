from __future__ import annotations

import numpy as np

from ispd.isp.survey.bases import LONGEST, bases
from ispd.isp.values import Bases
from tests.isp.shots import shot


def maps_of(found: Bases) -> np.ndarray:
    return np.frombuffer(found.maps, "<f4").reshape(4, found.rows, found.columns)


def test_a_flat_field_is_its_own_base() -> None:
    for neutral in ((1.0, 1.0, 1.0), (0.5, 1.0, 0.625)):
        light = np.full((3, 40, 60), 0.25) * (np.array(neutral) / max(neutral))[:, None, None]
        slope, offset, wide_slope, wide_offset = maps_of(bases(light, 8.0, shot(320, 480, neutral=neutral)))
        assert np.allclose(slope * -2 + offset, -2, atol=1e-5)  # log2 of 0.25, whatever the light's color
        assert np.allclose(wide_slope * -2 + wide_offset, -2, atol=1e-5)
        assert np.allclose(slope, 0, atol=1e-6)  # noise in it would be detail


def test_large_pictures_are_made_small_and_keep_their_place() -> None:
    found = bases(np.full((3, 700, 1000), 0.25), 8.0, shot(5600, 8000))
    assert max(found.rows, found.columns) <= LONGEST
    assert found.cell_px * found.columns == 8000
