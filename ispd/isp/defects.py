"""What tells a defective site from light, in numbers: stage `hot_pixels`.  Without torch: kernels share them."""

from __future__ import annotations

from ispd.isp.noise import Profile

DEVIATIONS = 8.0  # of the noise; a site among twelve million strays by 5.4
FAINT, SHARE = 0.004, 0.3  # of white, and of the neighbors: less is no defect that anybody sees
DARKER = 0.5  # of the neighbors: a dead site is darker than this
STUCK = 0.95  # of a full well
LIVELY, LIVELY_STUCK = 3.0, 1.0  # times what the neighbors differ among themselves: texture makes points too
SEEN = 0.1  # of the excess: if the sites beside show this much of it, it is light
AROUND = 4  # sites to the four places that the sites beside are compared with; a repeat, where that is longer


def worst(profile: Profile) -> tuple[float, float]:
    """S and O, each of the color that has most; (0, 0) where nobody knows."""
    return max((s for s, _ in profile), default=0.0), max((o for _, o in profile), default=0.0)
