"""A mosaic becomes the pictures that a profile asks for, in strips of rows, on the device that it is told.

The picture is defined by `ispd.isp.render`; here stands only how it is walked through: strips keep temporaries small
(they stay in the cache, and a 12 MP photo peaks far below 1 GB), one thread a strip keeps both cores busy where
torch's own threads would wait for each other at every small operation (measured: 1.6 to 1.9 times the CPU time).
A law holds strips to the whole frame.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ispd.isp import render as pipeline
from ispd.isp.factors import ceiling
from ispd.isp.look import Look
from ispd.isp.size import picture
from ispd.isp.stages.opcodes import warps
from ispd.isp.stages.orient import orient
from ispd.isp.stages.quantize import quantize
from ispd.isp.stages.resize import resize
from ispd.isp.stages.sharpen import reach
from ispd.isp.values import CameraRGB, DisplayRGB, Mosaic, Raw, Shot
from ispd.orders import Output
from ispd.runner import kernels

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Work: TypeAlias = Callable[["Strip"], None]
Beat: TypeAlias = Callable[[], None]
Each: TypeAlias = Callable[[Work, list["Strip"], Beat], None]  # does the work on every strip, beats after each

CPU_ROWS, GPU_ROWS = 96, 1536  # eight times what is computed twice at their seams; fits the cache


@dataclass(frozen=True)
class Strip:
    """Rows [top, bottom) to be made, from rows [outer_top, outer_bottom), which hold their neighbors too."""

    top: int
    bottom: int
    outer_top: int
    outer_bottom: int

    @property
    def inner(self) -> slice:
        return slice(self.top - self.outer_top, self.bottom - self.outer_top)


def prepared(samples: NDArray[Any], shot: Shot, look: Look, device: str) -> Mosaic:
    """The photo on its device, with what must be done before it can be cut into strips: mended and surveyed."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # torch guesses 1 under some seccomp filters, silently
    with torch.inference_mode():
        mosaic = pipeline.surveyed(pipeline.mended(Mosaic(torch.from_numpy(samples), shot)), look)
        return replace(mosaic, samples=mosaic.samples.to(device))  # after the survey, which is numpy's


def balanced(mosaic: Mosaic, look: Look, beat: Beat) -> Raw:
    """Stage by stage as `ispd.isp.render.balanced`: all of the active area, of a mosaic that is `prepared`."""
    height, width = mosaic.shot.active.height, mosaic.shot.active.width
    planes = torch.empty(2, 1, height, width, device=mosaic.samples.device)

    def done(strip: Strip) -> None:
        raw, _, _ = pipeline.balanced(_cut(mosaic, strip), look)
        for plane, made in zip(planes, (raw.samples, raw.ceiling), strict=True):
            plane[:, strip.top : strip.bottom] = made.expand_as(raw.samples)[:, strip.inner]

    with torch.inference_mode(), _workers(str(mosaic.samples.device)) as each:
        halo = 2 * pipeline.MENDED_REACH if look.hot_pixels.method == "repair" else 0
        each(done, _strips(0, height, height, halo, _rows(mosaic.samples)), beat)
        return Raw(*planes)


def render(mosaic: Mosaic, look: Look, outputs: tuple[Output, ...], device: str, beat: Beat) -> list[Pixels]:
    """(H, W, 3) uint8 or uint16 for each output: cropped, square pixels, sized, sharpened, in its space, upright.

    `beat` is called after every strip.  Raises PhotoError where the levels leave no picture.
    """
    with torch.inference_mode(), _workers(device) as each:
        mosaic = pipeline.surveyed(pipeline.mended(mosaic), look)
        mosaic = replace(mosaic, samples=mosaic.samples.to(device))
        display = _displayed(mosaic, look, each, beat)
        beat()
        return [_pictured(display, mosaic.shot, look, output, each, beat) for output in outputs]


def finished(
    display: DisplayRGB, shot: Shot, look: Look, outputs: tuple[Output, ...], device: str, beat: Beat
) -> list[Pixels]:
    """As `render`, of a picture that a network has made: (3, H, W) display-linear, cropped, as the sensor lies."""
    _, height, _ = display.shape
    retouched = torch.empty_like(display)

    def touched(strip: Strip) -> None:
        rows = slice(strip.top, strip.bottom)
        retouched[:, rows] = pipeline.retouched(DisplayRGB(display[:, rows]), look)

    with torch.inference_mode(), _workers(device) as each:
        each(touched, _strips(0, height, height, 0, _rows(display)), beat)
        if device == "cpu" and kernels.is_warm():
            threads = len(os.sched_getaffinity(0))
            return kernels.finished(retouched.numpy(), shot, look, outputs, threads, beat)
        return [_pictured(DisplayRGB(retouched), shot, look, output, each, beat) for output in outputs]


@contextmanager
def _workers(device: str) -> Iterator[Each]:
    """Does work on strips: side by side on the CPU's cores, one after the other on a GPU."""
    if not device.startswith("cpu"):
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # its ten bits would show in a demosaic
            yield _one_by_one
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(len(os.sched_getaffinity(0)), initializer=torch.set_num_threads, initargs=(1,)) as pool:

            def side_by_side(work: Work, strips: list[Strip], beat: Beat) -> None:
                for _ in pool.map(_inferring(work), strips):
                    beat()

            yield side_by_side
    finally:
        torch.set_num_threads(threads)


def _one_by_one(work: Work, strips: list[Strip], beat: Beat) -> None:
    for strip in strips:
        work(strip)
        beat()


def _inferring(work: Work) -> Work:
    """`work` in inference mode, which belongs to the thread that it is switched on in."""

    def quietly(strip: Strip) -> None:
        with torch.inference_mode():
            work(strip)

    return quietly


def _strips(top: int, bottom: int, height: int, halo: int, rows: int) -> list[Strip]:
    """Rows [top, bottom) in strips; each with `halo` more rows on both sides as far as the `height` rows go."""
    return [
        Strip(start, min(start + rows, bottom), max(0, start - halo), min(height, min(start + rows, bottom) + halo))
        for start in range(top, bottom, rows)
    ]


def _displayed(mosaic: Mosaic, look: Look, each: Each, beat: Beat) -> DisplayRGB:
    """(3, H, W) display-linear, cropped, as the sensor lies."""
    shot = mosaic.shot
    area, height = picture(shot), shot.active.height
    rows = _rows(mosaic.samples)
    columns = slice(area.left, area.right)
    display = mosaic.samples.new_empty((3, area.height, area.width), dtype=torch.float32)
    end = ceiling(shot, look)
    halo = pipeline.reach(shot, look)

    def graded(camera: Tensor, strip: Strip) -> None:
        scene = pipeline.light(CameraRGB(camera), shot, look, strip.top, area.left)
        display[:, strip.top - area.top : strip.bottom - area.top] = pipeline.grade(
            scene, look, end, shot.camera_profile
        )

    if not warps(shot.opcodes3, look.camera.corrections):

        def straight(strip: Strip) -> None:
            camera = pipeline.sensor(_cut(mosaic, strip), look)
            camera = pipeline.corrected(camera, shot, look, strip.outer_top)
            graded(camera[:, strip.inner, columns], strip)

        each(straight, _strips(area.top, area.bottom, height, halo, rows), beat)
        return DisplayRGB(display)

    whole = mosaic.samples.new_empty((len(shot.colors), height, shot.active.width), dtype=torch.float32)

    def sensed(strip: Strip) -> None:
        whole[:, strip.top : strip.bottom] = pipeline.sensor(_cut(mosaic, strip), look)[:, strip.inner]

    each(sensed, _strips(0, height, height, halo, rows), beat)
    moved = pipeline.corrected(CameraRGB(whole), shot, look)
    beat()
    graded_alone = _strips(area.top, area.bottom, height, 0, rows)
    each(lambda strip: graded(moved[:, strip.top : strip.bottom, columns], strip), graded_alone, beat)
    return DisplayRGB(display)


def _pictured(display: DisplayRGB, shot: Shot, look: Look, output: Output, each: Each, beat: Beat) -> Pixels:
    """One output: sized, sharpened, in its space, quantized, upright."""
    bits = 8 if output.format == "jpeg" else output.bits
    sized = resize(display, output.size, shot.pixel_aspect)
    beat()
    _, height, width = sized.shape
    shape = (height, width, 3)
    pixels: Pixels = np.empty(shape, np.uint8) if bits == 8 else np.empty(shape, np.uint16)

    def encoded(strip: Strip) -> None:
        rgb = DisplayRGB(sized[:, strip.outer_top : strip.outer_bottom])
        code = pipeline.codes(rgb, look, output.space)[:, strip.inner]
        pixels[strip.top : strip.bottom] = quantize(code, bits, strip.top)

    each(encoded, _strips(0, height, height, reach(look.sharpen), _rows(sized)), beat)
    return np.ascontiguousarray(orient(pixels, shot.orientation))


def _rows(tensor: Tensor) -> int:
    return GPU_ROWS if tensor.is_cuda else CPU_ROWS


def _cut(mosaic: Mosaic, strip: Strip) -> Mosaic:
    """The stored rows that a strip of the active area needs."""
    top = mosaic.shot.active.top + strip.outer_top
    bottom = mosaic.shot.active.top + strip.outer_bottom
    return replace(mosaic, samples=mosaic.samples[:, top - mosaic.top : bottom - mosaic.top], top=top)
