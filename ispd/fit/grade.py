"""A grade after a network: samples whose light is the picture that the network has made.

So all that learns a look learns on them too, as on planes of a linear file whose camera sees as a screen shows: its
matrix is none, and nothing has run out.  How warm the light was and how bright the scene, which say for what photos a
look is good, stay those of the photo.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch

from ispd.decode.cell import Cell, Decoded
from ispd.fit.judge import Render, rendered_on_cells
from ispd.fit.sample import Sample
from ispd.fit.samples import read_raw
from ispd.isp.factors import gains
from ispd.isp.look import Gamut, Look, Sharpen, WhiteBalance
from ispd.metadata.exiftool import ExifTool
from ispd.models import Model
from ispd.orders import Output
from ispd.runner import network
from ispd.runner.frame import Beat
from ispd.runner.picture import Rendered

UNTOUCHED = Look(sharpen=Sharpen(amount=0.0), gamut=Gamut("clip"))
NEVER = 1e9  # of light: where it ends
SAME = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def by_a_network(model: Model, device: str) -> Render:
    """What renders instead of the pipeline."""
    return partial(_render, model=model, device=device)


def _render(decoded: Decoded, look: Look, output: Output, model: Model, device: str) -> Rendered:
    return network.render(decoded.samples, decoded.shot, look, (output,), model, device, lambda: None)


def graded(sample: Sample, render: Render, cell: Cell, door: ExifTool, beat: Beat) -> Sample:
    """The same pair, from the network's picture on; then `beat`.  Raises PhotoError, BadModel, MachineError."""
    decoded, _ = read_raw(sample.raw_path, cell, door)
    with torch.inference_mode():
        boxes = rendered_on_cells(sample, decoded, UNTOUCHED, render)
        shot = replace(
            sample.shot,
            rec2020_from_camera=SAME,
            baseline_exposure=0.0,
            opcodes2=(),
            opcodes3=(),
        )
        balance = torch.tensor(gains(WhiteBalance(), shot.neutral, shot.colors))
        light = boxes.light / balance[:, None, None]  # which the look's balance undoes
    beat()
    return replace(
        sample,
        shot=shot,
        light=light,
        ceiling=torch.full_like(light, NEVER),
        trust=sample.trust * boxes.inside,
        bare=None,
    )
