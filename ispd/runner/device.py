"""Which device renders.  Torch, which takes seconds to load, is asked only where there may be a graphics card."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

from ispd.errors import MissingTool

CARDS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # NVIDIA's driver, the same inside WSL, AMD's


def choose_device(wish: str) -> str:
    """The torch device for "auto", "cpu", "cuda", "cuda:1".  Raises MissingTool where it is not there."""
    if wish == "cpu" or (wish == "auto" and not any(map(os.path.exists, CARDS))):
        return "cpu"
    torch = load_torch()
    if wish == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    cards = torch.cuda.device_count()
    if int(wish.partition(":")[2] or 0) >= cards:
        found = f"{cards} graphics card{'s' if cards > 1 else ''}" if cards else "no graphics card"
        raise MissingTool(f'engine.device is "{wish}", but torch finds {found}; "auto" takes what is there')
    return wish


def load_torch() -> ModuleType:
    """Torch; alone, so that what fails has a name.  Raises MissingTool where it cannot be loaded."""
    try:
        return import_module("torch")
    except (ImportError, OSError, MemoryError) as error:
        reason = str(error) or "there is too little memory"
        raise MissingTool(f"torch cannot be loaded: {reason}; give it more memory, or install it again") from error
