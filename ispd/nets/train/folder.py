"""The folder of a training, `out`: what is written there survives a kill and a full disk, and is gone on from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ispd.errors import BadModel, CannotCreate, ConfigError, IspdError


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Around all that writes there.  Raises CannotCreate where the disk refuses."""
    try:
        yield
    except BrokenPipeError:
        raise  # of stdout: nobody reads the lines any more
    except OSError as error:
        raise CannotCreate(f"{out} cannot be written: {error.strerror or error}; the last checkpoint stands") from error


@contextmanager
def checkpoint(path: Path) -> Iterator[dict[str, Any]]:
    """What a checkpoint holds, to be taken up within.  Raises BadModel where it is broken."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        yield state
    except (IspdError, OSError):
        raise
    except Exception as error:  # torch has no error of its own for what a file may be
        reason = (str(error).splitlines() or ["it is empty"])[0]
        raise BadModel(
            f"{path} cannot be gone on from: {reason}; remove it to begin anew, or put a copy back"
        ) from error


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """All or nothing."""
    buffer = BytesIO()  # torch has other errors for a full disk
    torch.save(state, buffer)
    written(path, buffer.getbuffer())


def same_recipe(path: Path, there: str | None, here: str) -> None:
    """Both as JSON.  Raises ConfigError, with what differs, where a checkpoint is another recipe's."""
    found, wished = json.loads(there or "{}"), json.loads(here)
    if found != wished:
        told = ", ".join(f"{key} = {json.dumps(value)}" for key, value in found.items() if wished.get(key) != value)
        raise ConfigError(f"{path} belongs to another recipe ({told or 'of another kind'}): give `out` another folder")


def cut(log: Path, step: int) -> None:
    """Without the lines of steps after the checkpoint, which are made again; the last may be half a line."""
    if not log.exists():
        return
    lines = []
    for line in log.read_text().splitlines():
        try:
            if json.loads(line)["step"] <= step:
                lines.append(line + "\n")
        except ValueError:
            break
    written(log, "".join(lines).encode())


def written(path: Path, data: bytes | memoryview) -> None:
    """All or nothing: a kill or a full disk in the midst leaves what was there."""
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    os.replace(beside, path)


def sheet(path: Path, rows: list[list[Tensor]]) -> None:
    """Pictures (3, H, W) of one size as one PNG: rows from the top, each from the left."""
    whole = torch.cat([torch.cat(row, dim=2) for row in rows], dim=1)
    codes = (whole.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    Image.fromarray(codes.numpy()).save(path)
