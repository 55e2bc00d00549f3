"""python -m bench: CPU seconds and peak memory of one 12 MP photo in a cold process, as ratios to rawpy's AHD.

Programs take turns, so that whatever else the machine does falls on all of them; the first round only warms caches.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cold import Cost, measure, middle
from bench.programs import BASE, Program, available


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program that count (default: 5)")
    parser.add_argument("--size", type=int, default=4000, help="width of the photo in pixels, 4:3 (default: 4000)")
    args = parser.parse_args()
    with TemporaryDirectory(prefix="ispd-bench-") as folder:
        dng = Path(folder, "photo.dng")
        measure([sys.executable, "-m", "bench.photo", str(args.size), dng])
        print(f"{args.size} pixels wide, uncompressed, gain maps; {args.rounds} rounds", file=sys.stderr)
        print(table(take_turns(available(), dng, args.rounds)))


def take_turns(programs: list[Program], dng: Path, rounds: int) -> dict[str, Cost]:
    """The median cost of each program by name."""
    costs: dict[str, list[Cost]] = {program.name: [] for program in programs}
    for number in range(rounds + 1):
        for program in programs:
            with TemporaryDirectory(dir=dng.parent) as out:
                cost = measure(program.command(dng, Path(out)))
            if number:
                costs[program.name].append(cost)
        print(f"round {number} of {rounds}", file=sys.stderr)
    return {name: middle(runs) for name, runs in costs.items()}


def table(costs: dict[str, Cost]) -> str:
    """One line a program: CPU seconds and peak memory, each also as a ratio to BASE."""
    base = costs[BASE]
    lines = [f"{'program':<26}{'CPU-s':>8}{'ratio':>8}{'peak MiB':>10}{'ratio':>8}"]
    for name, cost in costs.items():
        cpu, memory = cost.cpu_seconds / base.cpu_seconds, cost.peak_mib / base.peak_mib
        lines.append(f"{name:<26}{cost.cpu_seconds:>8.2f}{cpu:>8.2f}{cost.peak_mib:>10.0f}{memory:>8.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
