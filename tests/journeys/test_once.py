"""`ispd once`: what is there is developed, and the exit code says how it went."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.journeys.house import House, tiny_photo, until


def once(house: House) -> tuple[int, dict[str, object], str]:
    done = house.run("once", "--json", "--config", str(house.config))
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_what_is_there_is_developed_and_once_is_enough(house: House) -> None:
    for number in range(3):
        house.drop(f"{number}.dng", number)
    code, result, said = once(house)
    assert (code, result["delivered"]) == (0, 3), said
    assert house.delivered() == {"0.jpg", "1.jpg", "2.jpg"}
    assert not house.leftovers()
    times = {path.name: path.stat().st_mtime_ns for path in house.outbox.glob("*.jpg")}
    code, result, _ = once(house)
    assert (code, result["delivered"]) == (0, 0)
    assert {path.name: path.stat().st_mtime_ns for path in house.outbox.glob("*.jpg")} == times


def test_a_half_photo_is_set_aside_at_once_and_taken_when_it_is_whole(house: House) -> None:
    whole = tiny_photo(1)
    (house.inbox / "half.dng").write_bytes(whole[: len(whole) // 2])
    house.drop("good.dng", 2)
    code, result, said = once(house)
    assert (code, result["delivered"], result["set_aside"]) == (1, 1, 1), said
    assert house.delivered() == {"good.jpg"}
    assert (house.inbox / "half.dng").stat().st_size == len(whole) // 2  # as it was
    (house.inbox / "half.dng").write_bytes(whole)
    code, _, said = once(house)
    assert code == 0, said
    assert house.delivered() == {"good.jpg", "half.jpg"}


def test_nothing_but_bad_input_is_65(house: House) -> None:
    (house.inbox / "text.dng").write_text("this is no photo")
    (house.inbox / "empty.dng").write_bytes(b"")
    code, result, said = once(house)
    assert (code, result["set_aside"]) == (65, 2), said


def test_an_unknown_camera_whose_references_teach_nothing_gets_neutral_and_why(house: House) -> None:
    house.config.write_text(house.config.read_text().replace('profile = "neutral"\n', ""))
    house.drop("a.dng", 1)
    (house.inbox / "a.jpg").write_bytes(b"a finished picture")
    code, _, said = once(house)
    assert code == 0, said
    assert house.delivered() == {"a.jpg"}
    (job,) = json.loads(house.run("jobs", "list", "--json", "--config", str(house.config)).stdout)
    shown = house.run("jobs", "show", str(job["id"]), "--json", "--config", str(house.config)).stdout
    assert "neutral; nothing has been learned from its finished pictures: " in shown


def test_a_watched_folder_that_is_gone_is_66(house: House) -> None:
    shutil.rmtree(house.inbox)
    code, _, said = once(house)
    assert code == 66
    assert "not there" in said


def test_beside_a_running_daemon_it_is_75(house: House) -> None:
    house.start()
    until(lambda: house.watches(), "a daemon that watches")
    code, _, said = once(house)
    assert code == 75
    assert "ispd" in said


def test_without_exiftool_it_is_69_and_names_it(house: House) -> None:
    house.drop("a.dng", 1)
    command = ("once", "--config", str(house.config))
    empty = house.root / "empty"
    empty.mkdir()
    done = house.run(*command, PATH=str(empty))
    assert done.returncode == 69, done.stderr
    assert "exiftool" in done.stderr
    assert house.run(*command).returncode == 0
    assert house.delivered() == {"a.jpg"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_disk_is_73_and_nothing_is_torn(house: House) -> None:
    with house.small_disk(house.outbox, "256k"):
        (house.outbox / "ballast").write_bytes(bytes(250 << 10))
        house.drop("a.dng", 1)
        code, _, said = once(house)
        assert code == 73, said
        assert "room" in said
        assert house.delivered() == set()
        (house.outbox / "ballast").unlink()
        code, _, said = once(house)
        assert code == 0, said
        assert house.delivered() == {"a.jpg"}


def test_a_torch_that_cannot_be_loaded_is_told_in_its_own_words(house: House) -> None:
    broken = house.root / "broken"
    (broken / "torch").mkdir(parents=True)
    (broken / "torch/__init__.py").write_text("raise ImportError('libtorch_cpu.so: no such library')")
    house.drop("a.dng", 1)
    done = house.run("once", "--config", str(house.config), PYTHONPATH=str(broken))
    assert done.returncode == 75
    assert "torch cannot be loaded: libtorch_cpu.so: no such library" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_engine_that_cannot_start_is_no_endless_wait(house: House) -> None:
    house.config.write_text(house.config.read_text().replace('device = "cpu"', 'device = "cuda:9"'))
    house.drop("a.dng", 1)
    code, _, said = once(house)
    assert code == 75
    assert "cuda:9" in said
    assert house.delivered() == set()
