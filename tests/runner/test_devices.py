"""The same picture on every device.  Where there is no graphics card its half is skipped, and says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ispd.isp.look import Demosaic, Look
from ispd.isp.values import Mosaic
from ispd.orders import Output
from ispd.runner.frame import prepared, render
from ispd.runner.picture import Pixels
from tests.isp.shots import DAYLIGHT, mosaic
from tests.runner.test_frame import CASES, TALL, lit

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card here")),
]
MOST_CODES, MOST_PIXELS = 1, 1e-3  # of 255; of the picture: another order of the same sums in float32


def on(device: str, photo: Mosaic, look: Look) -> Pixels:
    ready = prepared(photo.samples.numpy(), photo.shot, look, device)
    return render(ready, look, (Output(format="png", bits=8),), device, lambda: None)[0]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", CASES)
def test_a_device_makes_the_cpus_picture(device: str, case: str) -> None:
    photo = mosaic(lit(TALL, 74), **{"neutral": DAYLIGHT, **CASES[case]})
    look = Look(demosaic=Demosaic("malvar"))  # named: what a profile leaves open is for each device to choose
    differing = np.abs(on(device, photo, look).astype(int) - on("cpu", photo, look).astype(int)).max(axis=-1)
    assert differing.max() <= MOST_CODES
    assert (differing > 0).mean() <= MOST_PIXELS


@pytest.mark.parametrize("device", DEVICES)
def test_what_a_device_makes_is_the_same_every_time(device: str) -> None:
    photo: Any = mosaic(lit(TALL, 74), neutral=DAYLIGHT)
    np.testing.assert_array_equal(on(device, photo, Look()), on(device, photo, Look()))
