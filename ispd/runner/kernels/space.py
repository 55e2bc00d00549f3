"""Memory that every strip of a thread uses again: fresh pages would cost more than some stages."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ispd.runner.kernels.tables import Floats


@dataclass
class Space:
    """Arrays of one thread, made at their first use."""

    arrays: dict[str, Floats] = field(default_factory=dict)

    def floats(self, name: str, *shape: int) -> Floats:
        """An array of that shape, with whatever was left in it."""
        size = math.prod(shape)
        held = self.arrays.get(name)
        if held is None or held.size < size:
            held = self.arrays[name] = np.empty(size, np.float32)
        return held[:size].reshape(shape)
