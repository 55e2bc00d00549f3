"""Older pages of a profile, brought up to today's schema one step at a time.

A step that was released is never changed: what schema 1 became is what every page of schema 1 becomes, in any ispd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from ispd import toml

Table: TypeAlias = dict[str, Any]
Step: TypeAlias = Callable[[Table], Table]

SCHEMA = 1
STEPS: Mapping[int, Step] = {}  # from which schema: what makes its table one of the next


def upgraded(page: toml.Page, steps: Mapping[int, Step] = STEPS, today: int = SCHEMA) -> toml.Page:
    """The page as today's schema has it.  One of no schema that is known is given back: its reader complains."""
    schema = page.table.get("schema", today)
    table = page.table
    while type(schema) is int and schema in steps and schema != today:
        schema += 1
        table = steps[schema - 1](table) | {"schema": schema}
    return replace(page, table=table)
