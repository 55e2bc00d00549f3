"""ispd plan: what would be done with everything in the watched folders, and under which names."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from ispd.cli.command import Subparsers, add_command, add_config, add_json, print_json
from ispd.errors import ConfigError, IncompletePhoto, MachineError, NoInput, PhotoError
from ispd.sentences import counted, shown

if TYPE_CHECKING:
    from ispd.config import Config, Folder
    from ispd.daemon.scan import Sight
    from ispd.metadata.exiftool import ExifTool
    from ispd.profile import Library

EXAMPLES = """\
examples:
  ispd plan            one line a photo
  ispd plan --json     for scripts

Nothing is developed or written.  What was delivered stays as it is, so it is only named; a photo that was moved or
copied since is recognized by its content when its turn comes.  Exit code 78: profiles need your hand for some photo.
"""

Verdict: TypeAlias = Literal["to do", "known", "waiting", "set aside", "needs your hand"]


@dataclass(frozen=True)
class Line:
    """What would become of one photo."""

    photo: str  # below the watched folder
    verdict: Verdict
    profile: str = ""
    names: tuple[str, ...] = ()
    reason: str = ""

    def of(self, photo: str) -> Line:
        """The same for the photo as it is called below its folder."""
        return replace(self, photo=photo)


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "plan", __doc__, EXAMPLES)
    add_config(parser)
    add_json(parser, "a list of objects, one a folder")


def run(args: Namespace) -> int:
    """Plan every photo of every folder."""
    from ispd.config import find_config, read_config
    from ispd.metadata.exiftool import ExifTool
    from ispd.profile import open_library

    config = read_config(find_config(args.config))
    profiles = open_library(config.profiles, config.state)
    done = known(config.state)
    with ExifTool() as door:
        seen = zip(config.folders, sights(config), strict=True)
        rounds = [Planning(folder, sight, profiles, done, door) for folder, sight in seen]
        planned = [(each.folder, [each.line(path) for path in sorted(each.sight.photos)]) for each in rounds]
    if args.json:
        print_json([as_json(*each) for each in planned])
    else:
        print("\n\n".join(text(*each) for each in planned))
    verdicts = {line.verdict for _, found in planned for line in found}
    return ConfigError.exit_code if "needs your hand" in verdicts else 0


def known(state: Path) -> dict[bytes, Line]:
    """Photos that the ledger has a word on already."""
    from ispd.daemon.ledger.reading import read_ledger

    try:
        with read_ledger(state) as reading:
            listed = reading.listing()
    except NoInput:  # ispd has not run yet
        return {}
    settled = (row for row in listed if row.state not in ("settling", "ready", "waiting"))
    return {
        row.source: Line("", "known", row.profile, row.names, f"{row.state} {row.reason}".strip()) for row in settled
    }


def sights(config: Config) -> list[Sight]:
    """What the daemon would find in each watched folder.  Raises NoInput where one is not there."""
    from ispd.daemon.scan import roots_of, scan

    for folder in config.folders:
        if not folder.watch.is_dir():
            raise NoInput(f"{folder.watch} is not there; is it mounted?")
    pairs = [(os.fsencode(each.watch.resolve()), os.fsencode(each.deliver.resolve())) for each in config.folders]
    return [scan(root) for root in roots_of(pairs)]


@dataclass
class Planning:
    """One folder being planned: what is known, and which names are taken by now."""

    folder: Folder
    sight: Sight
    profiles: Library
    done: dict[bytes, Line]
    door: ExifTool
    taken: set[str] = field(default_factory=set)

    def line(self, path: bytes) -> Line:
        """What would become of the photo, with the names it would really get."""
        relative = os.path.relpath(path, os.fsencode(self.folder.watch.resolve()))
        photo = shown(relative)
        try:
            return self.done[path].of(photo) if path in self.done else self._planned(path, relative)
        except ConfigError as error:
            more = f" (and {len(error.problems) - 1} more: `ispd profile check`)" if len(error.problems) > 1 else ""
            return Line(photo, "needs your hand", reason=error.problems[0] + more)
        except (IncompletePhoto, MachineError, NoInput) as error:
            return Line(photo, "waiting", reason=str(error))
        except PhotoError as error:
            return Line(photo, "set aside", reason=str(error))

    def _planned(self, path: bytes, relative: bytes) -> Line:
        from ispd.daemon.scan import reference_of
        from ispd.decode.facts import check_whole
        from ispd.orders import Waiting
        from ispd.photo import facts_of
        from ispd.plan import References, plan

        check_whole(path)
        references = References.QUIET if reference_of(path, self.sight.references) else References.NONE
        made = plan(facts_of(path, self.door), relative, self.folder, self.profiles, references)
        if isinstance(made, Waiting):
            return Line(shown(relative), "waiting", reason=made.reason)
        names = tuple(self._free(name) for name in made.names)
        return Line(shown(relative), "to do", made.recipe.profile, names, made.note)

    def _free(self, name: str) -> str:
        """The next name by the naming policy that neither a file nor another photo of this plan has."""
        from ispd.publish.names import TRIES, folded, numbered

        for number in range(1, TRIES):
            wish = numbered(name, number)
            if folded(wish) not in self.taken and not os.path.lexists(self.folder.deliver / wish):
                self.taken.add(folded(wish))
                return wish
        return name


def as_json(folder: Folder, found: list[Line]) -> dict[str, Any]:
    """A folder for scripts."""
    return {"watch": str(folder.watch), "deliver": str(folder.deliver), "photos": [asdict(line) for line in found]}


def text(folder: Folder, found: list[Line]) -> str:
    """A folder for people."""
    width = min(40, max((len(line.photo) for line in found), default=0))
    return "\n".join(
        [f"{folder.watch} → {folder.deliver}", *(f"  {_said(line, width)}" for line in found), _sum(found)]
    )


def _said(line: Line, width: int) -> str:
    names = ", ".join(line.names)
    match line.verdict:
        case "to do":
            note = f"   ({line.reason})" if line.reason else ""
            return f"{line.photo:{width}}  {line.profile} → {names}{note}"
        case "known":
            return f"{line.photo:{width}}  {line.reason}{f': {names}' if names else ''}"
        case _:
            return f"{line.photo:{width}}  {line.verdict}: {line.reason}"


def _sum(found: list[Line]) -> str:
    counts = {verdict: sum(line.verdict == verdict for line in found) for verdict in get_args(Verdict)}
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return counted(len(found), "photo") + (f": {said}" if said else "")
