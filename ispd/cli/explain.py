"""ispd explain: which profile a photo gets, rule by rule, why not the others, and which pictures come out."""

from __future__ import annotations

import dataclasses
import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ispd.cli.command import Subparsers, about, add_command, add_config, add_json, print_json
from ispd.errors import BadModel, ConfigError, MachineError, NoInput
from ispd.sentences import printable, shown

if TYPE_CHECKING:
    from ispd.config import Config, Folder
    from ispd.metadata.exiftool import ExifTool
    from ispd.orders import Facts, Output
    from ispd.profile import Library

EXAMPLES = """\
examples:
  ispd explain ~/Pictures/inbox/DSC1.NEF
  ispd explain DSC1.NEF --profile mono      as if its folder said profile = "mono"
  ispd explain DSC1.NEF --profile may.toml  how a learned look stands to it

Nothing is developed or written.  A photo outside of every watched folder is explained as `ispd develop` would take it.
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "explain", __doc__, EXAMPLES)
    parser.add_argument("photos", nargs="+", metavar="FILE", help="raw photos")
    add_config(parser)
    parser.add_argument("--profile", metavar="P", help="as if the folder named this profile, or file")
    add_json(parser, "a list of objects, one a photo")


def run(args: Namespace) -> int:
    """Explain each photo."""
    from ispd.config import library_at
    from ispd.metadata.exiftool import ExifTool

    config = config_if_any(args.config)
    profiles = library_at(config.source if config else None)
    with ExifTool() as door:
        reports = [_explained(os.path.abspath(os.fsencode(name)), args, config, profiles, door) for name in args.photos]
    if args.json:
        print_json(reports)
    else:
        print("\n\n".join(map(text, reports)))
    return 0


def _explained(
    path: bytes, args: Namespace, config: Config | None, profiles: Library, door: ExifTool
) -> dict[str, Any]:
    from ispd.config import usual_state
    from ispd.models import models_folder

    folder = folder_of(path, config)
    state = config.state if config else usual_state()
    if args.profile:
        name = args.profile
        if name.endswith(".toml"):
            profiles, name = profiles.with_file(Path(name))
        folder = dataclasses.replace(folder, profile=name)
    facts = facts_of_raw(path, door)
    return report(path, facts, folder, profiles, models_folder(state), _lesson(state, facts))


def _lesson(state: Path, facts: Facts) -> str:
    """Why nothing was learned of the photo's camera, as far as a daemon has tried."""
    from ispd.daemon.ledger.reading import read_ledger
    from ispd.profile.match import camera_of

    try:
        with read_ledger(state) as ledger:
            lesson = ledger.lesson(*camera_of(facts))
    except (NoInput, ConfigError, MachineError):  # none has run here, or it must be mended first: other commands say so
        return ""
    return lesson.reason if lesson else ""


def facts_of_raw(path: bytes, door: ExifTool) -> Facts:
    """The photo's facts.  Raises NoInput where it is not there or no raw by its name, PhotoError, MachineError."""
    from ispd.decode.names import is_raw
    from ispd.photo import facts_of

    with about(path):
        if not is_raw(path) and os.path.lexists(path):
            raise NoInput("by its name it is no raw photo; ispd would not develop it")
        return facts_of(path, door)


def config_if_any(argument: Path | None) -> Config | None:
    """The config, or None where there is none and none was named."""
    from ispd.config import find_config, read_config

    try:
        path = find_config(argument)
    except ConfigError:
        return None
    return read_config(path)


def folder_of(path: bytes, config: Config | None) -> Folder:
    """The watched folder that the photo lies in, else its own folder as `ispd develop` would take it."""
    from ispd.config import Folder

    parent = Path(os.fsdecode(path)).parent
    real = parent.resolve()
    for folder in config.folders if config else ():
        watch = folder.watch.resolve()
        if watch == real or watch in real.parents:
            return dataclasses.replace(folder, watch=watch)
    return Folder(watch=real, deliver=real)


def report(path: bytes, facts: Facts, folder: Folder, profiles: Library, models: Path, lesson: str) -> dict[str, Any]:
    """Everything there is to say, ready for JSON.  Raises ConfigError where no profile can be chosen."""
    from ispd.daemon.scan import Depth, Root, reference_of, scan
    from ispd.orders import Waiting
    from ispd.plan import References, plan

    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    relative = os.path.relpath(real, os.fsencode(folder.watch))
    beside = scan(Root(os.path.dirname(path)), depth=Depth.HERE).references
    references = References.QUIET if reference_of(path, beside) else References.NONE
    made = plan(facts, relative, folder, profiles, references, lesson)
    assert not isinstance(made, Waiting), "only gathering references are waited for"
    return {
        "photo": shown(path),
        "facts": dataclasses.asdict(facts),
        "watch": str(folder.watch),
        "deliver": str(folder.deliver),
        "profile": made.recipe.profile,
        "profile_version": made.recipe.profile_version,  # of a learned one
        "file": str(profiles.entry(made.recipe.profile).path),
        "digest": made.recipe.profile_digest,
        **backend(profiles.get(made.recipe.profile).backend, models),
        "note": made.note,
        "rules": [dataclasses.asdict(rule) for rule in made.trail],
        "metadata": made.recipe.metadata,
        "outputs": [
            {"name": name, **dataclasses.asdict(output), "says": said(output)}
            for name, output in zip(made.names, made.recipe.outputs, strict=True)
        ],
    }


def backend(name: str, folder: Path) -> dict[str, str]:
    """What renders, and the license of its weights where that is an imported network."""
    from ispd.models import find

    if name == "isp":
        return {"backend": name}
    try:
        return {"backend": name, "license": find(folder, name).manifest.license}
    except BadModel as error:
        return {"backend": name, "problem": str(error)}


def said(output: Output) -> str:
    """An output in words: "jpeg, quality 92, 4:4:4, srgb, full size"."""
    how = f"quality {output.quality}, {output.subsampling}" if output.format == "jpeg" else f"{output.bits} bits"
    size = f"long edge {output.size} px" if output.size else "full size"
    return f"{output.format}, {how}, {output.space}, {size}"


def text(report: dict[str, Any]) -> str:
    """The report for people."""
    facts = report["facts"]
    version = f", version {report['profile_version']}" if report["profile_version"] else ""
    lines = [
        report["photo"],
        f"  taken     {taken(facts)}",
        f"  profile   {report['profile']}{version}   {report['file']}",
        *([f"  backend   {report['backend']}"] if report["backend"] != "isp" else []),
        *([f"  license   {report['license']}"] if "license" in report else []),
        *([f"  problem   {report['problem']}"] if "problem" in report else []),
        "  because",
    ]
    lines += [f"    {'✓' if rule['holds'] else '·'} {rule['profile']}: {rule['sentence']}" for rule in report["rules"]]
    lines.append(f"  pictures  in {report['deliver']}, tags: {report['metadata']}")
    lines += [f"    {output['name']}   {output['says']}" for output in report["outputs"]]
    return "\n".join(lines)


def taken(facts: dict[str, Any]) -> str:
    """The facts in one line: camera, lens, ISO, when."""
    from ispd.orders import Facts

    said_facts = (
        Facts(**{**facts, "warnings": ()}).camera or "camera unknown",
        facts["lens"],
        f"serial {facts['serial']}" if facts["serial"] else "",
        f"ISO {facts['iso']}" if facts["iso"] else "",
        facts["captured"].replace("T", " "),
    )
    return printable(", ".join(filter(None, said_facts)))
