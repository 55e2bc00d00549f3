"""Learned profiles as files: whole at any moment, older versions beside them, and nobody's own work lost."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ispd.errors import CannotCreate, ConfigError, NoInput
from ispd.isp.look import Camera, Curve, Exposure, Lattice, Look, WhiteBalance
from ispd.orders import Output
from ispd.profile import cube
from ispd.profile.body import Body
from ispd.profile.certificate import Certificate
from ispd.profile.learned import roll_back, save, versions
from ispd.profile.library import Shelf, Tier, read_shelves
from ispd.profile.match import Match
from ispd.profile.profile import Profile, read_profile

LOOK = Look(
    exposure=Exposure(ev=0.25, auto="none"),
    curve=Curve(method="learned", heights=tuple(number / 32 for number in range(33))),
    lattice=Lattice(cube.identity(3)),
)
FILM = Profile("film", look=LOOK, fit=Certificate(pairs=3, held_out_mean=2.5, models=("Simulated Kestrel",)))


def at(ev: float) -> Profile:
    """Another fit of the same look."""
    return replace(FILM, look=replace(LOOK, exposure=Exposure(ev=ev, auto="none"), lattice=Lattice(cube.identity(2))))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film.toml"


def test_what_is_saved_is_read_again(path: Path) -> None:
    assert save(FILM, path) == FILM == read_profile(path)
    assert sorted(each.name for each in path.parent.iterdir()) == ["film.cube", "film.toml"]


def test_people_can_read_it(path: Path) -> None:
    """What it is comes first, then only what differs from the defaults, numbers without a tail."""
    camera = Camera(white_balance=WhiteBalance(red=0.12345678))
    save(replace(FILM, bodies=(Body("Kestrel", camera=camera),), outputs=(Output(quality=80),)), path)
    text = path.read_text()
    assert text.startswith("# Learned by ispd from 3 pairs of Simulated Kestrel.\n")
    assert "ΔE2000 2.50 on average" in text
    assert '[[body]]\nmodel = "Kestrel"\n\n[body.camera.white_balance]\nred = 0.123457\n' in text
    assert "[[output]]\nquality = 80\n" in text
    assert "contrast" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_new_version_keeps_the_old_one_and_what_the_owner_wrote(path: Path) -> None:
    save(FILM, path)
    own = 'name = "film"  # of my own\nintent = "mine"'
    path.write_text(path.read_text().replace('name = "film"', own) + '\n[match]\nmodel = "Kes*"  # both\n')
    new = save(at(1.0), path)
    assert new.fit is not None
    assert (new.fit.version, new.intent, new.match, new.look) == (2, "mine", Match(model="Kes*"), at(1.0).look)
    assert "# of my own" in path.read_text()
    assert "# both" in path.read_text()
    ((number, older),) = versions(path)
    assert (number, older.name, read_profile(older).look) == (1, "film@1.toml", LOOK)


def test_what_the_fit_says_of_itself_is_renewed(path: Path) -> None:
    save(replace(FILM, intent="learned from 3 finished pictures"), path)
    path.write_text(path.read_text() + "\n[match]  # by me\nmodel = 'Kes*'\n")
    new = save(replace(at(1.0), intent="learned from 8 finished pictures"), path)
    assert new.intent == "learned from 8 finished pictures"
    assert "# by me" in path.read_text()


def test_versions_count_on_whatever_became_of_older_ones(path: Path) -> None:
    for ev in (0.5, 1.0, 1.5):
        save(at(ev), path)
    path.with_name("film@1.toml").unlink()
    assert [number for number, _ in versions(path)] == [2]
    last = save(at(2.0), path)
    assert last.fit is not None
    assert last.fit.version == 4


def test_rolling_back_uses_an_older_version_and_keeps_the_newer(path: Path) -> None:
    for ev in (0.5, 1.0, 1.5):
        save(at(ev), path)
    assert roll_back(path).look.exposure.ev == 1.0
    assert [number for number, _ in versions(path)] == [3, 1]
    assert roll_back(path).look.exposure.ev == 0.5  # the one before it, not back again
    assert roll_back(path, 3).look.exposure.ev == 1.5
    roll_back(path, 1)
    assert read_profile(path).look.exposure.ev == 0.5
    with pytest.raises(NoInput, match=r"has no version 9; others are 2, 3"):
        roll_back(path, 9)


def test_the_library_uses_the_current_version_and_knows_the_older_by_name(path: Path) -> None:
    for ev in (0.5, 1.0):
        save(at(ev), path)
    for tier in (Tier.LEARNED, Tier.OWN):
        library = read_shelves([Shelf(path.parent, tier)])
        assert library.problems == ()
        assert [(entry.name, entry.is_version) for entry in library.entries] == [("film", False), ("film@1", True)]
        assert library.get("film@1").look.exposure.ev == 0.5


@pytest.mark.parametrize("text", ['name = "film"', "no TOML", ""])
def test_what_somebody_made_is_not_written_over(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(CannotCreate, match="choose another name"):
        save(FILM, path)
    assert path.read_text() == text
    assert sorted(path.parent.iterdir()) == [path]


def test_a_link_is_not_written_through(path: Path) -> None:
    elsewhere = path.with_name("else.toml")
    save(FILM, elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(CannotCreate):
        save(at(1.0), path)
    assert read_profile(elsewhere) == FILM


def test_a_missing_lattice_is_told_with_its_line(path: Path) -> None:
    save(FILM, path)
    path.with_name("film.cube").unlink()
    with pytest.raises(ConfigError, match=r'film\.toml:\d+: look\.lattice\.cube = "film\.cube" cannot be used'):
        read_profile(path)


def test_a_full_disk_leaves_the_old_version(path: Path) -> None:
    save(FILM, path)
    path.parent.chmod(0o500)
    try:
        if not os.access(path.parent, os.W_OK):  # root may all the same
            with pytest.raises(CannotCreate, match=r"film(@2)?\.(cube|toml) cannot be written"):
                save(at(1.0), path)
    finally:
        path.parent.chmod(0o700)


KILLED = """
import os, sys
from pathlib import Path
from dataclasses import replace
from tests.profile.test_learned import FILM, at
from ispd.profile.learned import roll_back, save

folder, left = Path(sys.argv[1]), 0

def die(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove") and str(arguments[0]).startswith(str(folder)):
        left -= 1
        if left == 0:
            os._exit(9)

sys.addaudithook(die)
for action in (save, roll_back):
    for moment in range(1, 99):
        path = folder / f"{action.__name__}{moment}" / "film.toml"
        save(at(0.5), path)
        if action is roll_back:
            save(at(1.0), path)
        child = os.fork()
        if child == 0:
            left = moment
            action(*((at(1.0), path) if action is save else (path,)))
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            break
    print(moment)
"""


def test_killed_at_any_moment_it_is_the_old_or_the_new_version(
    tmp_path: Path,
) -> None:
    """Both can be used, each with its own lattice."""
    ran = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=True, capture_output=True, text=True)
    moments = list(map(int, ran.stdout.split()))
    assert min(moments) > 5
    seen = set()
    for folder in tmp_path.iterdir():
        found = read_profile(folder / "film.toml")
        assert found.fit is not None
        assert found.look in (at(0.5).look, at(1.0).look)
        seen.add((folder.name.rstrip("0123456789"), found.fit.version))
        again = save(at(2.0), folder / "film.toml")  # and nothing is in the way of the next
        assert again.look == at(2.0).look
    assert seen == {("save", 1), ("save", 2), ("roll_back", 1), ("roll_back", 2)}
