"""python -m bench: CPU seconds, wall seconds and peak memory of ispd beside its peers, as ratios from one run.

Programs take turns, so that whatever else the machine does falls on all of them; the first round only warms caches.
Ratios below 1 mean that ispd needs less.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cold import Cost, measure, middle
from bench.programs import OURS, develop, peers, through_the_daemon

EAGER = f"{OURS} without numba"
NETWORK = f"{OURS}, profile hdr"
SIZES = (3, 12, 48, 108)  # megapixels


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each program that count (default: 3)")
    parser.add_argument("--photos", type=int, default=24, help="of the batch (default: 24)")
    parser.add_argument("--only", choices=["batch", "one", "sizes"], help="one of the tables")
    args = parser.parse_args()
    measure([sys.executable, "-m", "ispd", "warm"])
    with TemporaryDirectory(prefix="ispd-bench-") as folder:
        work = Path(folder)
        photo = photographed(work, 12)
        if args.only in (None, "batch"):
            print(f"\na photo of {args.photos} through the daemon; its peers develop one photo a process")
            print(table(batch(photo, work, args.photos, args.rounds)), flush=True)
        if args.only in (None, "one"):
            print("\none photo, process start included")
            print(table(one(photo, work, args.rounds)), flush=True)
        if args.only in (None, "sizes"):
            print("\none photo by its size, process start included")
            print(sizes(work))


def photographed(work: Path, megapixels: int) -> Path:
    """A DNG of so many megapixels, 4:3."""
    dng = work / f"{megapixels}.dng"
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5 / 16) * 16
    measure([sys.executable, "-m", "bench.photo", str(width), dng])
    return dng


def batch(photo: Path, work: Path, photos: int, rounds: int) -> dict[str, Cost]:
    """Many photos, all different to the last byte; ispd with and without its kernels, and peers photo by photo."""

    def ours(out: Path, photos: int, env: dict[str, str]) -> Cost:
        watch = out / "inbox"
        watch.mkdir()
        for number in range(photos):
            (watch / f"{number}.dng").write_bytes(photo.read_bytes() + bytes(number))  # else it is one photo, made once
        state = {"XDG_STATE_HOME": str(out / "state"), "XDG_CONFIG_HOME": str(out / "config")}
        return measure(through_the_daemon(watch, out / "graded"), {**state, **env}).per_photo(photos)

    runs: dict[str, Callable[[Path], Cost]] = {
        OURS: lambda out: ours(out, photos, {}),
        EAGER: lambda out: ours(out, max(1, photos // 4), without_numba(work)),  # it takes its time
    }
    return take_turns(runs | _alone(photo), work, rounds)


def one(photo: Path, work: Path, rounds: int) -> dict[str, Cost]:
    """One photo in a cold process."""
    runs: dict[str, Callable[[Path], Cost]] = {
        OURS: lambda out: measure(develop(photo, out)),
        EAGER: lambda out: measure(develop(photo, out), without_numba(work)),
        NETWORK: lambda out: measure([*develop(photo, out), "--profile", "hdr"]),
    }
    return take_turns(runs | _alone(photo), work, rounds)


def sizes(work: Path) -> str:
    """Whether time and memory grow in proportion."""
    lines = [f"{'megapixels':>10}{'CPU-s':>8}{'per MP':>8}{'wall s':>8}{'peak MiB':>10}"]
    for megapixels in SIZES:
        photo = photographed(work, megapixels)
        with TemporaryDirectory(dir=work) as out:
            cost = measure(develop(photo, Path(out)))
        photo.unlink()
        line = f"{megapixels:>10}{cost.cpu_seconds:>8.2f}{cost.cpu_seconds / megapixels:>8.3f}"
        lines.append(f"{line}{cost.wall_seconds:>8.2f}{cost.peak_mib:>10.0f}")
    return "\n".join(lines)


def without_numba(work: Path) -> dict[str, str]:
    """What hides numba from a program, so that torch renders."""
    hidden = work / "hidden/numba/__init__.py"
    hidden.parent.mkdir(parents=True, exist_ok=True)
    hidden.write_text("raise ImportError('hidden by the bench')\n")
    path = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": f"{work / 'hidden'}:{path or os.getcwd()}"}


def _alone(photo: Path) -> dict[str, Callable[[Path], Cost]]:
    return {peer.name: lambda out, peer=peer: measure(peer.command(photo, out)) for peer in peers()}  # type: ignore[misc]


def take_turns(runs: dict[str, Callable[[Path], Cost]], work: Path, rounds: int) -> dict[str, Cost]:
    """The median cost of each program by name, for a photo."""
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            with TemporaryDirectory(dir=work) as out:
                cost = run(Path(out))
            if number:
                costs[name].append(cost)
        print(f"round {number} of {rounds}", file=sys.stderr)
    return {name: middle(each) for name, each in costs.items()}


def table(costs: dict[str, Cost]) -> str:
    """One line a program: its figures, and for a peer what ispd needs of them."""
    ours = costs[OURS]
    lines = [f"{'':<26}{'CPU-s':>8}{'wall s':>8}{'peak MiB':>10}   {'ispd / it: CPU':>14}{'wall':>8}"]
    for name, cost in costs.items():
        line = f"{name:<26}{cost.cpu_seconds:>8.2f}{cost.wall_seconds:>8.2f}{cost.peak_mib:>10.0f}"
        if name != OURS:
            ratios = ours.cpu_seconds / cost.cpu_seconds, ours.wall_seconds / cost.wall_seconds
            line += f"   {ratios[0]:>14.2f}{ratios[1]:>8.2f}"
        lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
