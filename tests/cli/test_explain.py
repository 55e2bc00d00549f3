"""`ispd explain`: a person learns why a photo looks as it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Lesson
from tests.cli.conftest import Ispd
from tests.conftest import Dng


def profile(home: Path, name: str, match: str, outputs: str = "") -> Path:
    """A profile of the user's own."""
    path = home / f".config/ispd/profiles/{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'name = "{name}"\n[match]\n{match}\n{outputs}')
    return path


def config(home: Path, tmp_path: Path, more: str = "") -> Path:
    """A config that watches tmp_path/in."""
    path = home / ".config/ispd/ispd.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[[folder]]\nwatch = "{tmp_path}/in"\ndeliver = "{tmp_path}/out"\n{more}')
    return path


def test_each_rule_is_told_with_the_pictures_that_come_out(ispd: Ispd, dng: Dng, home: Path, tmp_path: Path) -> None:
    config(home, tmp_path)
    lantern = profile(home, "lantern", 'model = "Lantern*"', "[[output]]\nsize = 640\n[[output]]\nformat = 'png'")
    profile(home, "kestrel", 'model = "Kestrel*"')
    profile(home, "lumora", 'make = "lumora"')
    told = ispd("explain", dng("in/2026/a.dng"))
    assert told.code == 0
    for sentence in (
        f"profile   lantern   {lantern}",
        '✓ lantern: model = "Lantern*" holds: "Lantern 7"',
        '· kestrel: model = "Kestrel*" does not hold: it is "Lantern 7"',
        '· lumora: fits too, but "lantern" is more specific: it asks for a model',
        f"in {tmp_path}/out",
        "2026/a.jpg   jpeg, quality 92, 4:4:4, srgb, long edge 640 px",
        "2026/a.png   png, 8 bits, srgb, full size",
        "Lumora Lantern 7",
        "ISO 100",
    ):
        assert sentence in told.out


def test_json_says_the_same_to_scripts(ispd: Ispd, dng: Dng, home: Path, tmp_path: Path) -> None:
    config(home, tmp_path)
    profile(home, "lantern", 'model = "Lantern*"')
    (report,) = json.loads(ispd("explain", dng("in/a.dng"), "--json").out)
    assert report["profile"] == "lantern"
    assert report["outputs"][0]["name"] == "a.jpg"
    assert {"profile": "lantern", "holds": True, "sentence": 'model = "Lantern*" holds: "Lantern 7"'} in report["rules"]
    assert report["facts"]["model"] == "Lantern 7"


def test_a_photo_outside_of_every_folder_needs_no_config(ispd: Ispd, dng: Dng) -> None:
    told = ispd("explain", dng("a.dng"))
    assert told.code == 0
    assert "neutral: no profile is meant for Lumora Lantern 7" in told.out


def test_a_named_profile_is_taken_at_its_word(ispd: Ispd, dng: Dng) -> None:
    assert "profile   mono" in ispd("explain", dng("a.dng"), "--profile", "mono").out
    missing = ispd("explain", dng("a.dng"), "--profile", "momo")
    assert (missing.code, missing.out) == (78, "")
    assert missing.err.strip() == 'ispd: there is no profile "momo"; did you mean mono?'


def test_a_tie_is_a_config_error_that_names_both(ispd: Ispd, dng: Dng, home: Path) -> None:
    profile(home, "one", 'model = "Lantern*"')
    profile(home, "two", 'model = "*Lantern"')
    profile(home, "three", 'model = "Lantern?7"')
    assert "profile   three" in ispd("explain", dng("a.dng")).out  # nothing ties that fits this photo
    profile(home, "four", 'model = "Lanter? 7"')
    tie = ispd("explain", dng("a.dng"))
    assert tie.code == 78
    assert '"four"' in tie.err
    assert '"three"' in tie.err


def test_what_is_no_photo_is_told_by_name(ispd: Ispd, tmp_path: Path) -> None:
    missing = ispd("explain", tmp_path / "gone.dng")
    assert (missing.code, missing.err) == (66, f"ispd: {tmp_path}/gone.dng: the file is not there\n")
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8")
    assert "no raw photo" in ispd("explain", tmp_path / "a.jpg").err
    (tmp_path / "cut.dng").write_bytes(b"II*\0\x08\0\0\0\x05")
    assert ispd("explain", tmp_path / "cut.dng").code == 65


def test_a_camera_raw_that_our_reader_does_not_know_is_asked_of_exiftool(ispd: Ispd, shared: Path) -> None:
    told = ispd("explain", shared / "samples/raw/canon_s40_CRW_0117.CRW")
    assert told.code == 0, told.err
    assert "PowerShot S40" in told.out


def test_torch_is_never_loaded(dng: Dng, home: Path) -> None:
    code = "import sys; from ispd.cli.main import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, "explain", str(dng("a.dng"))], check=True, stdout=subprocess.DEVNULL)


def test_what_became_of_learning_is_told(ispd: Ispd, dng: Dng, home: Path, tmp_path: Path) -> None:
    config(home, tmp_path)
    path = dng("in/a.dng")
    path.with_suffix(".JPG").write_bytes(b"a finished picture")
    assert "nothing has been learned from its finished pictures yet" in ispd("explain", path).out
    with Ledger(home / ".local/state/ispd", 1.0) as ledger:
        ledger.lessons.note(Lesson("Lumora", "Lantern 7", 1, "a.dng: another photo", "", {}, 1.0))
    assert "learned from its finished pictures: a.dng: another photo" in ispd("explain", path).out


def test_a_photo_outside_of_what_its_profile_has_learned_is_told(ispd: Ispd, dng: Dng, home: Path) -> None:
    profile(home, "film", 'model = "Lantern*"', "[fit]\npairs = 8\niso = [1600, 6400]")
    told = ispd("explain", dng("a.dng"))
    assert '· film: outside of what "film" has learned: ISO 100 (learned on 1600 to 6400)' in told.out
    profile(home, "film", 'model = "Lantern*"', "[fit]\nversion = 2\npairs = 8\niso = [100, 6400]")
    inside = ispd("explain", dng("b.dng")).out
    assert "✓ film: inside what it has learned, from 8 pairs" in inside
    assert "  profile   film, version 2   " in inside


def test_a_profile_may_be_a_file_as_for_develop(ispd: Ispd, dng: Dng, tmp_path: Path) -> None:
    file = tmp_path / "may.toml"
    file.write_text('name = "may"\n[fit]\npairs = 8\niso = [1600, 6400]\n')
    told = ispd("explain", dng("a.dng"), "--profile", file)
    assert (told.code, f"  profile   may, version 1   {file}" in told.out) == (0, True)
    assert 'outside of what "may" has learned: ISO 100' in told.out
    missing = ispd("explain", dng("a.dng"), "--profile", tmp_path / "june.toml")
    assert (missing.code, "june.toml" in missing.err) == (78, True)
