"""A page of an older schema is read as today's, one step after the other; its mistakes are told on its own lines."""

from __future__ import annotations

from typing import Any

from ispd import toml
from ispd.profile.profile import read_page
from ispd.profile.schema import upgraded

# two schemas that never were: the first said "brightness" in half stops, the second had it beside [look]
STEPS = {
    -1: lambda table: (
        {key: value for key, value in table.items() if key != "brightness"} | {"ev": table["brightness"] / 2}
    ),
    0: lambda table: (
        {key: value for key, value in table.items() if key != "ev"} | {"look": {"exposure": {"ev": table["ev"]}}}
    ),
}


def page(text: str) -> toml.Page:
    return toml.parse(text, "old.toml")


def test_each_step_is_taken_in_turn() -> None:
    table: dict[str, Any] = upgraded(page('schema = -1\nname = "film"\nbrightness = 3'), STEPS).table
    assert table == {"schema": 1, "name": "film", "look": {"exposure": {"ev": 1.5}}}
    assert read_page(toml.Page("old.toml", table, {})).look.exposure.ev == 1.5
    assert upgraded(page('schema = 0\nname = "film"\nev = 1.5'), STEPS).table == table


def test_todays_page_and_one_of_an_unknown_schema_stay_as_they_are() -> None:
    for text in ('name = "film"', "schema = 1", "schema = 2", "schema = true", 'schema = "0"', "schema = []"):
        assert upgraded(page(text), STEPS).table == page(text).table
