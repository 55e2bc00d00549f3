"""Write the pages of docs/ that are made from the code: profile.md, config.md, stages.md.

    python docs/generate.py            write them
    python docs/generate.py --check    exit 1 where they differ from what the code says now (`make check`)

Keys come with type, bounds, default and the comment beside their field; stages with their docstrings.
"""

from __future__ import annotations

import ast
import inspect
import io
import math
import re
import sys
import tokenize
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ispd import naming, toml
from ispd.config import Config
from ispd.isp.look import Look
from ispd.isp.params import Counts, Cube, Rising
from ispd.profile.library import shipped_profiles
from ispd.profile.profile import Profile, read_profile

ROOT = Path(__file__).resolve().parents[1]
STAGES = ROOT / "ispd/isp/stages"
ORDER = (  # as ispd.isp.render and ispd.runner call them
    "opcodes", "levels", "shading", "hot_pixels", "white_balance", "denoise", "highlights", "lateral_ca", "demosaic",
    "capture_sharpen", "camera_matrix", "hue_table", "exposure", "local_tone", "tone_curve",
    "learned_curve", "curve", "lattice", "finish", "resize", "sharpen",
    "gamut", "orient", "quantize",
)  # fmt: skip
WRITTEN = "<!-- written by docs/generate.py from the code; `make docs` writes it again -->"

PROFILE = """\
# What a profile can say

A profile is one TOML file: what photos it is meant for, how they shall look, and which pictures come out. Everything
but its name may be left out. `ispd profile check FILE` finds mistakes, `ispd explain PHOTO` shows which profile a photo
gets and why. Profiles are looked up in the config's `profiles` folders, `~/.config/ispd/profiles`,
`/etc/ispd/profiles`, among the learned ones, and last among the shipped ones; of one name the first is taken.

The most specific profile that matches wins. Serial weighs most, then model, lens, ISO range, folder, make; then the
number of letters that the patterns name. Two that are still even are an error if one photo can fit both.
"""

CONFIG = """\
# What the config can say

`ispd.toml` is the file named by `--config` or `$ISPD_CONFIG`, else `~/.config/ispd/ispd.toml`, else
`/etc/ispd/ispd.toml`. `ispd config init` writes a first one, `ispd config check` finds mistakes, `ispd plan` shows what
would be done. Paths may begin with `~`; relative ones lie beside the file. Watched folders may not lie in one another.
"""

STAGES_HEAD = """\
# What happens to a photo, stage by stage

In the order of the physics; `ispd/isp/render.py` is the same on one screen. What each can be told stands in
[profile.md](profile.md).
"""


def main() -> int:
    """Write or check the pages."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--into", type=Path, default=ROOT / "docs", metavar="DIR")
    args = parser.parse_args()
    stale = [name for name, text in pages().items() if not _is_there(args.into / name, text)]
    if args.check:
        for name in stale:
            print(f"{args.into / name} is not what the code says now; run: make docs", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (args.into / name).write_text(pages()[name], encoding="utf-8")
        print(f"{args.into / name} is written")
    return 0


def _is_there(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def pages() -> dict[str, str]:
    """Each page by its file name."""
    made = {"profile.md": profile_page(), "config.md": config_page(), "stages.md": stages_page()}
    return {name: f"{WRITTEN}\n\n{text.rstrip()}\n" for name, text in made.items()}


def profile_page() -> str:
    """Every table and key of a profile."""
    shipped = [read_profile(path) for path in sorted(shipped_profiles().glob("*.toml"))]
    lines = [PROFILE, *tables(Profile, ()), "## The shipped profiles", ""]
    lines += [f"- `{profile.name}`: {profile.intent}" for profile in shipped]
    return "\n".join(lines)


def config_page() -> str:
    """Every table and key of the config, and what names may be made of."""
    fields = ", ".join(f"`{{{field}}}`" for field in naming.FIELDS if field != "date")
    parts = ", ".join(f"`%{part}`" for part in naming.DATE_PARTS)
    names = [inspect.cleandoc(naming.__doc__ or ""), f"Fields are {fields}, and `{{date:…}}` with {parts}."]
    return "\n".join([CONFIG, *tables(Config, ()), "## Names", "", "\n\n".join(names)])


def tables(kind: type, place: tuple[str, ...], repeated: bool = False, skip: str = "") -> Iterator[str]:
    """A table with its plain keys, then the tables in it."""
    slots = [slot for slot in toml.slots(kind) if slot.field != skip]
    keys = [slot for slot in slots if table_of(slot) is None]
    if place:
        name = ".".join(place)
        yield from (f"## `[[{name}]]`" if repeated else f"## `[{name}]`", "")
        yield from (paragraph(kind), "")
    if keys:
        said = comments(kind)
        yield from ("| key | value | default | |", "|---|---|---|---|")
        yield from (row(slot, said.get(slot.field, "")) for slot in keys)
        yield ""
    for slot in slots:
        yield from below(slot, place)


def below(slot: toml.Slot, place: tuple[str, ...]) -> Iterator[str]:
    """The table that a key stands for, if it does."""
    kind = table_of(slot)
    if kind is None:
        return
    lifted = slot.note(toml.Lifted)
    if lifted is not None:
        yield from below(toml.lifted_slot(slot), place)
    yield from tables(kind, (*place, slot.key), toml.repeated(slot.kind) is kind, lifted.field if lifted else "")


def table_of(slot: toml.Slot) -> Any:
    """The dataclass behind a key that is a table or several, else None."""
    kind = toml.repeated(slot.kind) or slot.kind
    return kind if is_dataclass(kind) else None


def row(slot: toml.Slot, comment: str) -> str:
    """One key as a row of the table."""
    cells = (f"`{slot.key}`", value_of(slot), default_of(slot), comment)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def value_of(slot: toml.Slot) -> str:
    """What may stand there."""
    kind, bounds = slot.kind, slot.bounds
    if toml.repeated(kind) is float:
        return ", ".join(filter(None, (numbers_of(slot), f"each {toml.allowed(bounds)}" if bounds else "")))
    if get_origin(kind) is Literal:
        return " or ".join(f"`{toml.literal(choice)}`" for choice in get_args(kind))
    if toml.repeated(kind) is not None:
        items = "texts" if toml.repeated(kind) is str else "folders"
        return f"list of [x, y], x rising, {toml.allowed(bounds)}" if bounds else f"list of {items}"
    if get_origin(kind) is tuple:
        return f"[{', '.join('whole number' for _ in get_args(kind))}]"
    word = {
        str: "text", Path: "folder", bool: "true or false", int: "whole number", float: "number",
        Cube: "name of a .cube file beside the profile",
    }[kind]  # fmt: skip
    return f"{word}, {toml.allowed(bounds)}" if bounds and math.isfinite(bounds.low) else word


def numbers_of(slot: toml.Slot) -> str:
    """How many numbers a list may have, and how they go on."""
    counts, rising = slot.note(Counts), slot.note(Rising)
    many = f"list of {' or '.join(str(count) for count in counts.allowed if count)} numbers" if counts else "numbers"
    return f"{many} that never fall" if rising else many


def default_of(slot: toml.Slot) -> str:
    """What holds where the key is left out."""
    if slot.default is MISSING:
        return "must be there"
    if slot.default in (None, "", (), Path()):
        return ""
    return f"`{toml.literal(str(slot.default) if isinstance(slot.default, Path) else slot.default)}`"


def comments(kind: type) -> dict[str, str]:
    """The comment beside each field of a dataclass."""
    source = inspect.getsource(kind)
    by_line = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    said = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            inside = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            said[node.target.id] = " ".join(by_line[line] for line in inside if line in by_line)
    return said


def paragraph(kind: type) -> str:
    """A dataclass's docstring as running text."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split())


def stages_page() -> str:
    """Every stage with its docstring."""
    found = {path.stem for path in STAGES.iterdir() if path.name[0] not in "_."}
    if found != set(ORDER):
        raise SystemExit(f"docs/generate.py: ORDER and ispd/isp/stages differ by {sorted(found ^ set(ORDER))}")
    return "\n".join([STAGES_HEAD, *(line for name in ORDER for line in stage(name))])


def stage(name: str) -> Iterator[str]:
    """One stage; the methods of a stage that has several stand below it."""
    path = STAGES / name
    yield from described(path / "__init__.py" if path.is_dir() else path.with_suffix(".py"), 2, name)
    if name in {slot.key for slot in toml.slots(Look)}:
        yield from (f"Keys: [`[look.{name}]`](profile.md#look{name})", "")
    for method in sorted(path.glob("[!_]*.py")):
        yield from described(method, 3, method.stem)


def described(path: Path, level: int, name: str) -> Iterator[str]:
    """A module's docstring as Markdown."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    yield from (f"{'#' * level} {name.replace('_', ' ')}", "")
    for block in re.split(r"\n\s*\n", text):
        yield from (markdown(block), "")


def markdown(block: str) -> str:
    """One paragraph of a docstring: an example, a list of Takes / Gives / Source, an indented drawing, or text."""
    if block.startswith(">>>"):
        return f"```python\n{block}\n```"
    if block.startswith(" "):
        return f"```\n{block}\n```"
    joined = re.sub(r"\n {4,}", " ", block)  # a label's text goes on below it, indented
    return re.sub(r"^(Takes|Gives|Source|Raises|List \d) +", r"- **\1** ", joined, flags=re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
