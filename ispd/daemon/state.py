"""How it goes: what `ispd status` prints and `systemctl status` shows, from the ledger and the running loop."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import ispd
from ispd.daemon.ledger.rows import Counts
from ispd.sentences import counted, shown

if TYPE_CHECKING:
    from ispd.daemon.loop import Loop

Report: TypeAlias = dict[str, object]

QUEUE = ("settling", "ready", "queued", "developing", "staged", "delivered", "waiting", "failed", "set_aside")


def at_work(counts: Counts) -> bool:
    """Whether something of this folder is being done, or about to be."""
    return bool(counts.ready or counts.queued or counts.developing or counts.staged)


def line(counts: Sequence[Counts], problems: Sequence[str]) -> str:
    """One line: what is wrong, else what is going on."""
    if problems:
        return problems[0]
    total = _total(counts)
    busy = total["ready"] + total["queued"] + total["developing"] + total["staged"]
    said = [f"developing, {counted(busy, 'photo')} to go" if busy else "idle"]
    said += [f"{total[name]} {name.replace('_', ' ')}" for name in ("delivered", "waiting", "failed", "set_aside")]
    return ", ".join(part for part in said if not part.startswith("0 "))


def report(loop: Loop, problems: list[str]) -> Report:
    """Everything, of a running daemon."""
    live = {folder.row.id: folder for folder in loop.survey.folders}
    methods = loop.delivery.desk_methods()
    folders = []
    for counts in loop.ledger.reading.counts():
        watched = live.get(counts.folder.id)
        if watched is None:
            continue
        folders.append(
            _folder(counts)
            | {
                "watching": "scans" if watched.scans_only else "events",
                "why": watched.scans_only,
                "publish": methods.get(counts.folder.deliver, counts.folder.method),
                "problem": watched.missing,
            }
        )
    engine = {"device": loop.config.engine.device, "state": loop.engines.state, "orders": loop.engines.orders}
    task = loop.learning.task
    return {
        "learning": {"camera": task.camera, "pairs": len(task.pairs), "profile": task.name} if task else None,
        "daemon": {"pid": os.getpid(), "version": ispd.__version__, "config": str(loop.config.source)},
        "queue": _total(loop.ledger.reading.counts()),
        "engines": [engine | {"pids": list(loop.engines.pids), "unconfined": list(loop.engines.unconfined)}],
        "folders": folders,
        "problems": problems,
    }


def report_without_daemon(counts: Iterable[Counts]) -> Report:
    """What the ledger alone can tell."""
    rows = list(counts)
    folders = [_folder(row) | {"publish": row.folder.method} for row in rows]
    return {"learning": None, "daemon": None, "queue": _total(rows), "engines": [], "folders": folders, "problems": []}


def _folder(counts: Counts) -> Report:
    numbers = {name: value for name, value in dataclasses.asdict(counts).items() if name != "folder"}
    return {"watch": shown(counts.folder.watch), "deliver": shown(counts.folder.deliver), "photos": numbers}


def _total(counts: Iterable[Counts]) -> dict[str, int]:
    rows = list(counts)
    return {name: sum(getattr(row, name) for row in rows) for name in QUEUE}
