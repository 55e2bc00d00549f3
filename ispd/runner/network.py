"""A photo rendered by a network: from the mosaic to display-linear Rec.2020, for the rest of the look.

ispd's own: `ispd.runner.hdr`.  An imported one:

codes ─▶ the levels of the camera it was trained for ─▶ RGGB, mirrored to the network's multiple ─▶ network ─▶ cropped
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from ispd.errors import BadModel, CardFailed, PhotoError
from ispd.isp import render as pipeline
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.isp.look import Look
from ispd.isp.size import picture as picture_area
from ispd.isp.stages.levels import levels
from ispd.isp.values import Area, DisplayRGB, Mosaic, Shot, Window
from ispd.models import OWN, Manifest, Model, read_weights
from ispd.nets import from_state_dict, pack_bayer
from ispd.nets.bayer import BAYER, SCALE, mirrored, red_site
from ispd.nets.checkpoint import Network
from ispd.orders import Output
from ispd.runner import frame, hdr
from ispd.runner.layerwise import ROOM, STRIP, Map, Stored, picture
from ispd.runner.picture import Rendered
from ispd.runner.store import Memory

Beat: TypeAlias = Callable[[], None]
T = TypeVar("T")

ROWS = 256  # of the finished picture, at a time


def render(
    samples: NDArray[Any], shot: Shot, look: Look, outputs: tuple[Output, ...], model: Model, device: str, beat: Beat
) -> Rendered:
    """One picture for each output, as `ispd.runner.picture.render`; of the look act lattice, finish and what follows.

    Raises PhotoError where the sensor is not Bayer's, BadModel, CannotCreate where the disk has no room for a large
    frame's maps, CardFailed.
    """
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # torch guesses 1 under some seccomp filters, silently

    def rendered(where: str, room: int, strip: int) -> Rendered:
        if model.manifest.architecture == OWN:
            display, known = hdr.displayed(samples, shot, model, where, beat, room)
        else:
            display, known = displayed(samples, shot, model, where, beat, room, strip), shot
        return Rendered(frame.finished(display, known, look, outputs, where, beat), known, where)

    return where_there_is_room(rendered, _attempts(device))


def where_there_is_room(make: Callable[[str, int, int], T], attempts: Sequence[tuple[str, int, int]]) -> T:
    """What `make` makes with the first of these that its graphics card has room for.  Raises CardFailed."""
    for attempt in attempts:
        try:
            return make(*attempt)
        except torch.OutOfMemoryError:
            pass  # leave the except first: the traceback's frames hold the tensors
        except torch.AcceleratorError as error:
            raise CardFailed(f"the graphics card failed: {str(error).splitlines()[0]}") from error
        gc.collect()
        torch.cuda.empty_cache()
        print("the graphics card has no room for this photo: smaller pieces, then the CPU", file=sys.stderr)
    raise AssertionError("the CPU has no card to run out of")


def _attempts(device: str) -> list[tuple[str, int, int]]:
    """Where to render, with how much memory for maps or a tile, in strips of how many bytes."""
    cpu = ("cpu", ROOM, STRIP)
    if device == "cpu":
        return [cpu]
    free, _ = torch.cuda.mem_get_info(device)
    return [(device, free * 6 // 10, 8 * STRIP), (device, free // 4, STRIP), cpu]


def displayed(
    samples: NDArray[Any], shot: Shot, model: Model, device: str, beat: Beat, room: int = ROOM, strip: int = STRIP
) -> DisplayRGB:
    """(3, H, W) display-linear, cropped, as the sensor lies, by an imported network."""
    if shot.cfa not in BAYER:
        raise PhotoError(f'"{model.name}" is a network for Bayer sensors; this photo has {_sensor(shot)}')
    network = load_network(model, device)
    beat()
    with torch.inference_mode():
        codes = as_trained(Mosaic(torch.from_numpy(samples), shot), model.manifest)
        top, left = red_site(shot.cfa)
        rows, columns = (_sides(side, network) for side in (top + codes.shape[0], left + codes.shape[1]))
        # from the red site before the first pixel: all of them are in the picture
        rggb = mirrored(codes, (-top, rows - top), (-left, columns - left))
        packed = pack_bayer(rggb, "RGGB").to(device)
        beat()
        made = _at_full_size(picture(network, packed, beat, room, strip), rows, columns)
        area = picture_area(shot)
        return _linear(made, Area(area.top + top, area.left + left, area.bottom + top, area.right + left), beat)


def _sides(length: int, network: Network) -> int:
    """The next length of a mosaic that the network takes."""
    multiple = 2 * network.MULTIPLE
    return max(2 * network.SMALLEST, -(-length // multiple) * multiple)


def _at_full_size(made: Map, height: int, width: int) -> Map:
    """What a network that stops at a coarser level makes, enlarged."""
    if made.shape[1:] == (height, width):
        return made
    return Stored(Memory(F.interpolate(made.rows(0, made.shape[1]), size=(height, width), mode="bilinear")))


def _linear(made: Map, area: Area, beat: Beat) -> DisplayRGB:
    """The part `area` of an sRGB-encoded picture, as display-linear Rec.2020."""
    rec2020_from_srgb = np.linalg.inv(rgb_from_rec2020("srgb"))
    strips = []
    for top in range(area.top, area.bottom, ROWS):
        encoded = made.rows(top, min(top + ROWS, area.bottom))[0, :, :, area.left : area.right]
        strips.append(mix(rec2020_from_srgb, decode(encoded, "srgb")).contiguous())
        beat()
    return DisplayRGB(torch.cat(strips, 1))


def as_trained(mosaic: Mosaic, manifest: Manifest) -> Tensor:
    """(H, W) of the active area: codes as the camera would have given them that the network was trained for."""
    mosaic = pipeline.mended(mosaic)
    shot = mosaic.shot
    active, p = shot.active, shot.levels
    stored = mosaic.samples[:, active.top : active.bottom, active.left : active.right].to(torch.float32)
    if manifest.black is None:  # its pedestal is not known: this camera's stays
        p = replace(p, black=(0.0,), black_shape=(1, 1, 1), delta_h=(), delta_v=())
    light = levels(stored, p, Window(0, active.height, active.width)).samples[0]
    black = manifest.black or 0.0
    return (black + light * (manifest.white - black)).clamp(0, manifest.white) * (SCALE / manifest.scale)


@lru_cache(maxsize=1)
def load_network(model: Model, device: str) -> Network:
    """On its device; kept, since the next photo is often for the same.  The first time, its license is said.

    Raises BadModel where the weights do not fit their manifest.
    """
    try:
        state = load(read_weights(model))
    except SafetensorError as error:
        raise BadModel(f"{model.weights} holds no weights: {error}; import the model again") from error
    network = from_state_dict(model.manifest.architecture, state, model.manifest.level)
    print(f'ispd: pictures by the network "{model.name}": {model.manifest.license}', file=sys.stderr)
    for weight in network.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.to(memory_format=torch.channels_last)  # as maps lie
    return network.to(device)


def _sensor(shot: Shot) -> str:
    if not shot.cfa:
        return "no mosaic: it is linear or monochrome"
    return {36: "an X-Trans sensor", 16: "a Quad-Bayer sensor"}.get(len(shot.cfa), f"the filter array {shot.cfa}")
