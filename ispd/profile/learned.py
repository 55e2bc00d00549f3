"""Learned profiles as files: readable, written whole or not at all, and never over what somebody else made.

    NAME.toml      the version that is used
    NAME@3.toml    an older one, only used where it is named
    NAME.cube …    lattices that these name; one that is written is never changed

A new version first becomes whole under another name, its lattice before it; then the old one gets its version's name;
the last step is one rename.  Killed at any point, NAME.toml is the old or the new version, and can be used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ispd import toml
from ispd.errors import CannotCreate, ConfigError, NoInput
from ispd.isp.params import Cube
from ispd.orders import Output
from ispd.profile import cube
from ispd.profile.body import Body
from ispd.profile.certificate import Certificate, others_show
from ispd.profile.profile import Profile, read_page, read_profile
from ispd.sentences import counted

DIGITS = 6  # of a number in the file; what is less is seen by nobody
OUR_INTENT = "learned from "  # how a fit's own words begin
OF_THE_FIT = ("camera", "body", "look", "fit")  # tables that a new version replaces; the others are the owner's


def save(profile: Profile, path: Path) -> Profile:
    """Write what was learned to `path`; a learned profile that stands there becomes an older version of it.

    Of that one name, intent, `[match]`, `[[output]]` and comments are kept.  Gives the profile as it was written, with
    its version.  Raises CannotCreate where the file was made by hand, or cannot be written.
    """
    before = _learned_at(path)
    certificate = replace(profile.fit or Certificate(), version=_next_version(path, before))
    new = replace(profile, fit=certificate)
    if before is not None:
        intent = new.intent if before.intent.startswith(OUR_INTENT) else before.intent
        new = replace(new, name=before.name, intent=intent, match=before.match, outputs=before.outputs)
    name = _free_cube(path, certificate.version)
    text, lattice = written(new, name)
    if lattice is not None:
        _write(path.with_name(name), cube.written(lattice, f"{new.name} {certificate.version}", _about(new)).encode())
    if before is not None:
        text = _with_comments(_read_text(path), text, path.parent)
        _keep(path, before)
    _write(path, text.encode())
    return read_profile(path)


def versions(path: Path) -> tuple[tuple[int, Path], ...]:
    """The older versions of the profile in `path`, newest first."""
    found = []
    for other in path.parent.glob("*@*.toml"):
        stem, _, number = other.stem.rpartition("@")
        if stem == path.stem and re.fullmatch(r"[1-9]\d{0,4}", number, re.ASCII):
            found.append((int(number), other))
    return tuple(sorted(found, reverse=True))


def roll_back(path: Path, version: int | None = None) -> Profile:
    """Use another version again, the one before if none is named; the one that was used becomes a version beside it.

    Raises NoInput where there is none, ConfigError where it is broken, CannotCreate.
    """
    before = _learned_at(path)
    older = dict(versions(path))
    now = before.fit.version if before and before.fit else 0
    wanted = version if version is not None else max((number for number in older if number < now), default=0)
    if before is None or wanted not in older:
        there = ", ".join(map(str, sorted(older))) or "none"
        raise NoInput(f"{path} has no version {wanted or 'before this one'}; others are {there}")
    chosen = read_profile(older[wanted])
    _keep(path, before)
    _write(path, older[wanted].read_bytes())
    older[wanted].unlink()  # it is what is used; its lattice stays under its name
    return chosen


def written(profile: Profile, cube_name: str) -> tuple[str, Cube | None]:
    """The text of a file for people: what it is, then only what differs from the defaults; and its lattice."""
    found: list[Cube] = []

    def named(lattice: Cube) -> str:
        found.append(lattice)
        return cube_name

    said = toml.to_table(profile, {Cube: named})
    plain = toml.to_table(Profile(profile.name), {Cube: named})
    short = {key: said[key] for key in ("schema", "name")} | toml.changed(said, plain)
    if profile.fit is not None:
        short["fit"] = {"version": profile.fit.version} | toml.changed(said["fit"], toml.to_table(Certificate()))
    if "body" in short:
        short["body"] = [_short_body(body) for body in short["body"]]
    if "output" in short:
        short["output"] = [toml.changed(output, toml.to_table(Output())) for output in short["output"]]
    head = "".join(f"# {line}\n" for line in _about(profile))
    return f"{head}\n{toml.write(_rounded(short))}", found[0] if found else None


def _short_body(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": body["model"]} | toml.changed(body, toml.to_table(Body(str(body["model"]))))


def _about(profile: Profile) -> list[str]:
    fit = profile.fit or Certificate()
    of = f" of {', '.join(fit.models)}" if fit.models else ""
    floor = f"; noise floor {fit.noise_floor:.2f}" if fit.noise_floor else ""
    unseen = "photos" if fit.split == "photos" else "parts of its own photos"
    others = "" if fit.split == "photos" else f" Other photos usually show {others_show(fit)} times that."
    return [
        f"Learned by ispd {fit.ispd} from {counted(fit.pairs, 'pair')}{of}.".replace("  ", " "),
        f"On {unseen} that it had not seen: ΔE2000 {fit.held_out_mean:.2f} on average,"
        f" {fit.held_out_p95:.1f} at the 95 % mark, {fit.worst:.2f} in the worst{floor}.{others}",
        "A new version replaces [camera], [[body]], [look] and [fit]; all else that you write here is kept.",
    ]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, DIGITS) + 0.0 if isinstance(value, float) else value


def _with_comments(before: str, after: str, folder: Path) -> str:
    """The new text with what the owner wrote into the old one; the new one alone where the two do not go together."""
    try:
        document, new = tomlkit.parse(before), tomlkit.parse(after)
        if "intent" in new:
            document["intent"] = new["intent"]
        for key in OF_THE_FIT:
            if key in document:
                document.remove(key)
            if key in new:
                document.append(key, new.item(key))
        text = _with_head(re.sub(r"\n{3,}", "\n\n", tomlkit.dumps(document)), before, after)
        wanted, made = (read_page(toml.parse(each, "new"), folder) for each in (after, text))
    except (TOMLKitError, ConfigError, KeyError, IndexError, TypeError, ValueError):
        return after
    return text if made == wanted else after


def _with_head(text: str, before: str, after: str) -> str:
    """Our own words at the head of the old text give way to those of the new one."""
    ours = re.compile(r"\A(# Learned by ispd .*\n# On .*\n# A new version .*\n)")
    old, new = ours.match(before), ours.match(after)
    return text.replace(old.group(), new.group(), 1) if old and new else text


def _learned_at(path: Path) -> Profile | None:
    """The learned profile that stands there, None: nothing does.  Raises CannotCreate where it is something else."""
    if not os.path.lexists(path):
        return None
    with suppress(ConfigError):
        profile = read_profile(path)
        if profile.fit is not None and not path.is_symlink():
            return profile
    raise CannotCreate(f"{path} is there already and was not learned; ispd does not write over it: choose another name")


def _next_version(path: Path, before: Profile | None) -> int:
    known = [number for number, _ in versions(path)]
    return 1 + max([*known, before.fit.version if before and before.fit else 0])


def _free_cube(path: Path, version: int) -> str:
    """A name beside the profile that no lattice has: another version may still need it."""
    name, again = f"{path.stem}.cube", 1
    while os.path.lexists(path.with_name(name)):
        name = f"{path.stem}@{version}.cube" if again == 1 else f"{path.stem}@{version}-{again}.cube"
        again += 1
    return name


def _keep(path: Path, profile: Profile) -> None:
    """The file as it is, under the name of its version."""
    assert profile.fit is not None
    name = path.with_name(f"{path.stem}@{profile.fit.version}.toml")
    if not name.exists():
        _write(name, path.read_bytes())


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")


def _write(path: Path, data: bytes) -> None:
    """The whole file under its name, or nothing.  Raises CannotCreate."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            with open(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(fd)
            draft.replace(path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise CannotCreate(f"{path} cannot be written: {error.strerror}") from error


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
