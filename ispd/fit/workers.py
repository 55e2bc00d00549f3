"""Workers: threads that fit or judge photos side by side, each of them alone in its operations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch


def side_by_side(count: int) -> ThreadPoolExecutor:
    """So many; threads inside of each operation would wait for each other."""
    return ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
