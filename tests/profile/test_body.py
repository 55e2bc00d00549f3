"""Several cameras share a look; each photo gets the camera part of its own, or none."""

from __future__ import annotations

from dataclasses import replace

from ispd import toml
from ispd.isp.look import Camera, Exposure, Look, WhiteBalance
from ispd.orders import Facts
from ispd.profile.body import Body, for_photo
from ispd.profile.certificate import Certificate
from ispd.profile.profile import Profile, from_json, read_page, to_json

RED, BLUE = Camera(white_balance=WhiteBalance(red=0.1)), Camera(white_balance=WhiteBalance(blue=0.1))
LOOK = Look(exposure=Exposure(ev=0.5))
D90, D300 = Facts(make="NIKON CORPORATION", model="NIKON D90"), Facts(make="NIKON CORPORATION", model="NIKON D300")
PIXEL = Facts(make="Google", model="Pixel 7", unique_model="Google Pixel 7")
SHARED = Profile("two", look=LOOK, bodies=(Body("NIKON D90", camera=RED), Body("pixel*", "Google", BLUE)))
LEARNED = Profile("one", look=replace(LOOK, camera=RED), fit=Certificate(models=("NIKON CORPORATION NIKON D90",)))


def test_each_model_gets_its_own_part_and_the_same_look() -> None:
    for facts, camera in ((D90, RED), (PIXEL, BLUE)):
        made, note = for_photo(SHARED, facts)
        assert (made.look, made.bodies, note) == (replace(LOOK, camera=camera), (), "")


def test_a_model_that_a_learned_profile_does_not_know_gets_the_look_alone_and_a_word_on_it() -> None:
    for learned in (LEARNED, replace(SHARED, fit=Certificate())):
        made, note = for_photo(learned, D300)
        assert made.look == LOOK
        assert note == f'"{learned.name}" has not learned NIKON CORPORATION NIKON D300: its look applies alone'


def test_one_camera_part_is_for_the_model_it_was_learned_on_however_that_is_spelled() -> None:
    for name in ("nikon d90", "NIKON CORPORATION  NIKON D90"):
        learned = replace(LEARNED, fit=Certificate(models=(name,)))
        assert for_photo(learned, D90) == (learned, "")


def test_models_of_few_photos_have_the_part_that_they_taught_together() -> None:
    fit = Certificate(models=("NIKON D90", "Google Pixel 7", "NIKON CORPORATION NIKON D300"))
    shared = replace(SHARED, fit=fit, look=replace(LOOK, camera=RED))
    assert for_photo(shared, D300) == (replace(shared, bodies=()), "")
    assert for_photo(shared, PIXEL)[0].look.camera == BLUE


def test_a_camera_part_made_by_hand_is_for_any_photo() -> None:
    by_hand = replace(LEARNED, fit=None)
    assert for_photo(by_hand, PIXEL) == (by_hand, "")


def test_bodies_are_read_and_an_order_carries_the_one_it_needs() -> None:
    text = """
    name = "two"
    [[body]]
    make = "Google"
    model = "Pixel*"
    [body.camera.white_balance]
    blue = 0.1
    """
    profile = read_page(toml.parse(text, "two.toml"))
    assert profile.bodies == (Body("Pixel*", "Google", BLUE),)
    assert from_json(to_json(for_photo(profile, PIXEL)[0])).look.camera == BLUE
    assert from_json(to_json(profile)) == profile
