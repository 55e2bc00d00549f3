"""A checkpoint from elsewhere becomes a model of ours: read by a child process, checked, written as safetensors.

FILE.pth ─▶ [ child: weights only, no path but the two it was given ] ─▶ STATE/models/NAME

A pickle is a program.  torch's `weights_only` runs none of it but the making of tensors; a child that can open nothing
and has bounded memory and time is there for the day when that has a hole.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from ispd import models
from ispd.decode.lock import no_paths
from ispd.errors import BadModel, IspdError, MachineError, NoInput
from ispd.models import MANIFEST, WEIGHTS, Manifest, Model

if TYPE_CHECKING:
    from torch import Tensor

DEADLINE_SECONDS = 600
LARGEST_FILE = 4 << 30
CHILD_MEMORY = 24 << 30  # address space; torch's libraries alone map several GiB
CHILD_CPU_SECONDS = 300
SAID, BROKEN = 3, 4  # exit codes of the child: a sentence on stdout


def import_model(file: Path, name: str, wanted: Manifest, folder: Path) -> Model:
    """Take in the checkpoint `file` under `name`; of `wanted`, the digests are filled in.

    Raises BadModel where its tensors are not those of the architecture, NoInput where there is no such file,
    CannotCreate where the name is taken or the disk refuses, MachineError where the child cannot be run.
    """
    if problem := models.name_problem(name):
        raise BadModel(f'a model cannot be called "{name}": it {problem}')
    if wanted.black is not None and wanted.black >= wanted.white:
        raise BadModel(f"black {wanted.black:g} must lie below white {wanted.white:g}")
    try:
        opened = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NoInput(f"{file} cannot be read: {error.strerror}") from error
    with open(opened, "rb") as source:
        if os.fstat(opened).st_size > LARGEST_FILE:
            raise BadModel(f"{file} has more than {LARGEST_FILE >> 30} GiB: it is none of these networks")
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        with models.new_folder(folder, name) as hidden:
            weights = hidden / WEIGHTS
            with weights.open("xb") as target:
                _ask_child(file, source.fileno(), target.fileno(), wanted)
            with weights.open("rb") as made:
                sha256 = hashlib.file_digest(made, "sha256").hexdigest()
            manifest = replace(wanted, sha256=sha256, source=file.name, source_sha256=digest)
            (hidden / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    return models.find(folder, name)


def _ask_child(file: Path, source: int, target: int, wanted: Manifest) -> None:
    code = "from ispd.import_model import convert; convert()"
    job = json.dumps([source, target, wanted.architecture, wanted.level])
    os.lseek(source, 0, os.SEEK_SET)
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", code, job],
            env=os.environ | {"OMP_NUM_THREADS": "1"},  # nothing is computed
            pass_fds=(source, target),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BadModel(f"{file} could not be read within {DEADLINE_SECONDS} s") from error
    except OSError as error:
        raise MachineError(f"no process could be started to read {file}: {error.strerror}") from error
    said = child.stdout.decode(errors="replace").strip()
    if child.returncode == SAID:
        raise BadModel(f"{file}: {said}")
    if child.returncode == BROKEN:
        raise MachineError(f"{file}: {said}")
    if child.returncode != 0:
        raise BadModel(f"{file} cannot be read: the process that tried ended with {child.returncode}")


# --- in the child ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Job:
    source: int
    target: int
    architecture: str
    level: int


def convert() -> NoReturn:
    """What the child does: tensors in, tensors out, a sentence where that fails."""
    job = _Job(*json.loads(sys.argv[1]))
    try:
        weights = _converted(job)
    except IspdError as error:
        _end(SAID, str(error))
    except MemoryError:
        _end(SAID, "it takes more memory than any of these networks has weights")
    except Exception as error:  # torch has no error of its own for what a file may be
        _end(SAID, f"it is no checkpoint that holds tensors alone ({_first_line(error)})")
    try:
        with open(job.target, "wb", closefd=False) as file:
            file.write(weights)
    except OSError as error:
        _end(BROKEN, f"the weights cannot be written: {error.strerror or error}")
    _end(0, "")


def _converted(job: _Job) -> bytes:
    import torch
    from safetensors.torch import save

    from ispd.nets import from_state_dict

    _rehearse(job)
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_CPU_SECONDS, CHILD_CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    no_paths()
    with open(job.source, "rb", closefd=False) as file:
        state = _tensors(_loaded(file))
    network = from_state_dict(job.architecture, state, job.level)
    tensors = {name: tensor.to(torch.float32).contiguous() for name, tensor in network.state_dict().items()}
    if spoiled := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise BadModel(f"values too large for single precision: {', '.join(spoiled[:8])}")
    return save(tensors, {"format": "pt"})


def _rehearse(job: _Job) -> None:
    """Do it all once with zeros, so that what torch imports on the way is there before paths are gone."""
    from io import BytesIO

    import torch
    from safetensors.torch import load, save

    from ispd.nets import from_state_dict
    from ispd.nets.checkpoint import build

    with torch.device("meta"):
        shapes = build(job.architecture, job.level).state_dict()
    zero = torch.zeros(1)
    from_state_dict(job.architecture, {name: zero.expand(each.shape) for name, each in shapes.items()}, job.level)
    file = BytesIO()
    torch.save({"a": torch.zeros(1)}, file)
    torch.save({"a": torch.zeros(1)}, old := BytesIO(), _use_new_zipfile_serialization=False)
    for each in (file, old):
        each.seek(0)
        torch.load(each, map_location="cpu", weights_only=True)
    load(save({"a": torch.zeros(1)}))


def _loaded(file: Any) -> object:
    import torch
    from safetensors.torch import load

    head = file.read(16)
    file.seek(0)
    if head[8:9] == b"{":  # safetensors: eight bytes of length, then JSON
        return load(file.read())
    return torch.load(file, map_location="cpu", weights_only=True)


def _tensors(loaded: object) -> dict[str, Tensor]:
    """Raises BadModel where it is anything but a dict of tensors by name."""
    import torch

    if not isinstance(loaded, dict) or not loaded:
        raise BadModel(f"it holds {_kind(loaded)} instead of tensors by name")
    for name, tensor in loaded.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise BadModel(f"it holds {_kind(tensor)} under {str(name)[:80]!r} where a tensor should be")
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise BadModel(f"{name[:80]!r} is no plain tensor")
    return dict(loaded)


def _kind(value: object) -> str:
    return f"an empty {type(value).__name__}" if value in ({}, []) else f"a {type(value).__name__}"


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {line[:200]}"


def _end(code: int, sentence: str) -> NoReturn:
    """At once: nothing of what a strange file has left behind gets a turn."""
    os.write(1, sentence.encode(errors="replace"))
    os._exit(code)
