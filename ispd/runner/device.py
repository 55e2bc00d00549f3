"""Which device renders."""

from __future__ import annotations

import os

import torch

from ispd.errors import MissingTool


def choose_device(wish: str) -> str:
    """The torch device for "auto", "cpu", "cuda", "cuda:1".  Raises MissingTool where it is not there."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # torch guesses 1 under some seccomp filters, silently
    if wish == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wish.startswith("cuda") and not torch.cuda.is_available():
        raise MissingTool(f'engine.device is "{wish}", but torch finds no graphics card; "auto" takes what is there')
    return wish
