"""ispd jobs: what became of each photo, and doing it again."""

from __future__ import annotations

import os
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ispd.cli.command import Subparsers, add_command, add_config, add_json, aligned, print_json
from ispd.errors import ConfigError, NoInput
from ispd.sentences import short, shown

if TYPE_CHECKING:
    from ispd.config import Config
    from ispd.daemon.ledger.reading import Reading
    from ispd.daemon.ledger.rows import Job, Listed, Photo
    from ispd.profile import Profile

STATES = ("settling", "ready", "queued", "developing", "staged", "delivered", "waiting", "failed", "set-aside")
EXAMPLES = """\
examples:
  ispd jobs list --state set-aside         photos that cannot be developed, each with the reason
  ispd jobs show 12                        everything about one of them
  ispd jobs retry 12 --profile neutral     develop it again with another look, as {stem}-2
  ispd jobs retry --failed                 give all that failed another chance
  ispd jobs retry --profile film           again what `film` has developed, where it is another one by now
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "jobs", __doc__, EXAMPLES)
    commands = parser.add_subparsers(dest="action", metavar="list | show | retry", required=True)
    listing = commands.add_parser("list", help="one line a photo", description="One line a photo, the latest last.")
    listing.add_argument("--state", choices=STATES, help="only photos in this state")
    show = commands.add_parser("show", help="everything about one", description="Everything about one photo.")
    show.add_argument("id", metavar="ID", help="as `ispd jobs list` shows it")
    retry = commands.add_parser(
        "retry", help="develop again",
        description="Develop again.  What was delivered stays; the new picture gets the next free name.",
    )  # fmt: skip
    retry.add_argument("ids", metavar="ID", nargs="*", help="as `ispd jobs list` shows it")
    retry.add_argument("--set-aside", action="store_true", help="all photos that were set aside")
    retry.add_argument("--failed", action="store_true", help="all that failed")
    retry.add_argument("--missing", action="store_true", help="all whose delivered picture is gone")
    retry.add_argument(
        "--profile", metavar="NAME", default="",
        help="with this profile; alone: all that an older version of it has developed",
    )  # fmt: skip
    retry.add_argument("--dry-run", action="store_true", help="only say which")
    for command in (listing, show, retry):
        add_config(command)
        add_json(command)


def run(args: Namespace) -> int:
    """Read the ledger, or ask the daemon; print; return an exit code."""
    from ispd.config import find_config, read_config

    config = read_config(find_config(args.config))
    actions = {"list": _list, "show": _show, "retry": _retry}
    return actions[args.action](config, args)


def _list(config: Config, args: Namespace) -> int:
    from ispd.daemon.ledger.reading import read_ledger

    with read_ledger(config.state) as ledger:
        lines = ledger.listing(args.state.replace("-", "_") if args.state else None)
    if args.json:
        print_json([_listed(line) for line in lines])
    elif lines:
        print(_table(lines))
    else:
        print("no photos" + (f" that are {args.state.replace('-', ' ')}" if args.state else ""), file=sys.stderr)
    return 0


def _show(config: Config, args: Namespace) -> int:
    from ispd.daemon.ledger.reading import read_ledger

    with read_ledger(config.state) as ledger:
        details = _details(ledger, args.id)
    if args.json:
        print_json(details)
    else:
        print(_page(details))
    return 0


def _retry(config: Config, args: Namespace) -> int:
    from ispd.daemon.ledger.reading import read_ledger

    by_name = args.ids or args.set_aside or args.failed or args.missing
    if not (by_name or args.profile):
        print("ispd jobs retry: name IDs, or --set-aside, --failed, --missing, --profile", file=sys.stderr)
        return 2
    profile = _profile(config, args.profile) if args.profile else None
    with read_ledger(config.state) as ledger:
        what = _chosen(ledger, args) if by_name or profile is None else list(_outdated(ledger, profile))
    if not what:
        print("nothing to develop again", file=sys.stderr)
        return 0
    sentences = (
        [f"{one}: would be developed again" for one in what] if args.dry_run else _do(config, what, args.profile)
    )
    if args.json:
        print_json(sentences)
    else:
        print("\n".join(sentences))
    return 0


def _chosen(ledger: Reading, args: Namespace) -> list[str]:
    """IDs that were named or fit, each once.  Raises NoInput for those that are none."""
    unknown = [one for one in args.ids if _find(ledger, one) is None]
    if unknown:
        raise NoInput(f"{', '.join(unknown)}: not among the IDs that `ispd jobs list` shows")
    states = [state for state, wanted in (("set_aside", args.set_aside), ("failed", args.failed)) if wanted]
    found = [line.id for state in states for line in ledger.listing(state)]
    if args.missing:
        found += [
            str(job.id) for job in ledger.last_delivered() if any(not os.path.lexists(path) for path in _paths(job))
        ]
    return list(dict.fromkeys([*args.ids, *found]))


def _outdated(ledger: Reading, profile: Profile) -> Iterator[str]:
    """Jobs whose pictures were made when the profile was another one."""
    from ispd.profile import to_json

    today = to_json(profile)
    for job in ledger.last_delivered():
        if job.profile == profile.name:
            recipe = ledger.recipe(job)
            version = profile.fit and profile.fit.version  # by that alone: each photo has its own camera part
            if recipe.profile_version != version if version else recipe.profile_json != today:
                yield str(job.id)


def _do(config: Config, what: Sequence[str], profile: str) -> list[str]:
    """By the daemon where one runs; else the ledger is ours to write."""
    from ispd.daemon.ledger.ledger import Ledger
    from ispd.daemon.socket import request, socket_path

    question: dict[str, object] = {"ask": "retry", "what": list(what), "profile": profile}
    answer = request(socket_path(config.state), question)
    if answer is not None:
        sentences = answer.get("sentences")
        return list(map(str, sentences)) if isinstance(sentences, list) else []
    now = time.time()
    with Ledger(config.state, now) as ledger:
        sentences = ledger.jobs.retry(tuple(what), profile, now)
    print("ispd is not running; the next `ispd run` or `ispd once` does it", file=sys.stderr)
    return list(sentences)


def _profile(config: Config, name: str) -> Profile:
    from ispd.profile.library import open_library

    profiles = open_library(config.profiles, config.state)
    if name not in profiles.names:
        raise ConfigError(f'--profile "{name}" is no profile{profiles.suggestion(name)}')
    return profiles.get(name)


def _find(ledger: Reading, one: str) -> Job | Photo | None:
    number = one.removeprefix("p")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        return None
    return ledger.photo(int(number)) if one.startswith("p") else ledger.job(int(number))


def _paths(job: Job) -> list[bytes]:
    from ispd.publish.names import join

    return [join(job.deliver, product.name) for product in job.products]


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _listed(line: Listed) -> dict[str, object]:
    return {
        "id": line.id,
        "state": line.state,
        "source": os.fsdecode(line.source),
        "profile": line.profile,
        "reason": line.reason,
        "outputs": list(line.names),
        "since": line.since,
    }


def _table(lines: Iterable[Listed]) -> str:
    """Aligned columns; the last says why, or what came out."""
    rows = [("ID", "STATE", "SINCE", "PHOTO", "PROFILE", "")]
    most = _most_of_a_name()
    for line in lines:
        names = line.names if line.state == "delivered" else ()
        last = line.reason or ", ".join([short(name, most) for name in names])
        photo = short(shown(line.source.rpartition(b"/")[2]), most)
        rows.append((line.id, line.state.replace("_", " "), _time(line.since), photo, line.profile, last))
    return aligned(rows)


def _most_of_a_name() -> int:
    """Characters; `jobs show` has the whole one.  A third of a terminal: two names and the rest make a line."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 180
    return min(60, max(20, columns // 3))


def _details(ledger: Reading, one: str) -> dict[str, object]:
    """Everything, in the order people want to read it."""
    from ispd.daemon.ledger.rows import Photo

    found = _find(ledger, one)
    if found is None:
        raise NoInput(f"{one}: not among the IDs that `ispd jobs list` shows")
    return _photo_details(found) if isinstance(found, Photo) else _job_details(ledger, found)


def _photo_details(photo: Photo) -> dict[str, object]:
    return {
        "id": f"p{photo.id}",
        "state": photo.state,
        "reason": photo.reason,
        "source": os.fsdecode(photo.path),
        "size": photo.identity.size,
        "digest": photo.digest,
        "first_seen": photo.first_seen,
        "changed": photo.changed,
        "until": photo.until,
        "job": photo.job,
    }


def _job_details(ledger: Reading, job: Job) -> dict[str, object]:
    photos, recipe = ledger.photos_of(job), ledger.recipe(job)
    return {
        "id": str(job.id),
        "state": job.state,
        "reason": job.reason,
        "source": os.fsdecode(job.source),
        "duplicates": [os.fsdecode(photo.path) for photo in photos if photo.path != job.source],
        "profile": job.profile,
        "profile_version": recipe.profile_version,
        "profile_digest": recipe.profile_digest,
        "note": job.note,
        "outputs": [os.fsdecode(path) for path in _paths(job)],
        "sha256": [product.sha256 for product in job.products],
        "warnings": list(job.warnings),
        "reader": job.reader,
        "device": job.device,
        "seconds": job.seconds,
        "attempts": job.attempts,
        "generation": job.generation,
        "photo_digest": job.photo_digest,
        "recipe_digest": job.recipe_digest,
        "queued": job.queued,
        "begun": job.begun,
        "delivered": job.delivered,
        "until": job.until,
    }


_TIMES = {"first_seen", "changed", "queued", "begun", "delivered", "until"}


def _page(details: dict[str, object]) -> str:
    """One line a fact; what is unknown or empty is left out."""
    width = max(map(len, details))
    lines = []
    for name, value in details.items():
        values = value if isinstance(value, list) else [value]
        for number, one in enumerate(values):
            if one not in (None, "", 0.0):
                label = name.replace("_", " ") if number == 0 else ""
                lines.append(f"{label.ljust(width)}  {_said(name, one)}")
    return "\n".join(lines)


def _said(name: str, value: object) -> str:
    if name in _TIMES and isinstance(value, float):
        return _time(value)
    if name == "seconds":
        return f"{value:.1f}"
    return shown(os.fsencode(value)) if isinstance(value, str) else str(value)


def _time(seconds: float) -> str:
    return str(datetime.fromtimestamp(int(seconds)))
