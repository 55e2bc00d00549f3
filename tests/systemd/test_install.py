"""What `make install` places: units that systemd accepts, and a program where they say it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ("etc/systemd/system/ispd.service", "etc/systemd/user/ispd.service")


def make(target: str, destdir: Path, prefix: str) -> None:
    subprocess.run(
        ["make", "-C", str(ROOT), target, f"DESTDIR={destdir}", f"PREFIX={prefix}"],
        env={
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "PYTHON": sys.executable,
            "ISPD_DEPENDENCIES": "no",
            "HOME": "/nonexistent",
        },
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    make("install", root, "/opt/ispd")
    return root


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_accepts_the_installed_unit(installed: Path, unit: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed here")
    # verify looks for ExecStart on this machine, so the unit names the program where it was placed for the test
    text = (installed / unit).read_text().replace("/opt/ispd/bin", f"{installed}/opt/ispd/bin")
    copy = installed / "verify" / unit
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text)
    mode = "--user" if "user" in unit else "--system"
    result = subprocess.run(
        [analyze, mode, "--man=no", "verify", str(copy)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(copy.parent)},  # the user manager wants one, also offline
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_exec_start_exists(installed: Path, unit: str) -> None:
    (line,) = [line for line in (installed / unit).read_text().splitlines() if line.startswith("ExecStart=")]
    program = line.removeprefix("ExecStart=").split()[0]
    assert (installed / program.lstrip("/")).exists()


def test_profiles_come_with_the_program(installed: Path) -> None:
    (package,) = installed.glob("opt/ispd/lib/python3*/site-packages/ispd/shipped/profiles")
    assert (package / "neutral.toml").exists()
    assert {path.name for path in package.glob("*.toml")} == {path.name for path in (ROOT / "profiles").glob("*.toml")}
    assert (installed / "opt/ispd/share/ispd/profiles").is_dir()


def test_uninstall_leaves_config_and_nothing_else(tmp_path: Path) -> None:
    make("install", tmp_path, "/opt/ispd")
    kept = tmp_path / "etc/ispd/ispd.toml"
    kept.write_text("# mine\n")
    make("uninstall", tmp_path, "/opt/ispd")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]
