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
    cards = torch.cuda.device_count()
    if wish.startswith("cuda") and int(wish.partition(":")[2] or 0) >= cards:
        found = f"{cards} graphics card{'s' if cards > 1 else ''}" if cards else "no graphics card"
        raise MissingTool(f'engine.device is "{wish}", but torch finds {found}; "auto" takes what is there')
    return wish
