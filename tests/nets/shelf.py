"""A folder of imported models as `ispd model import` leaves it, without the child process that makes it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from safetensors.torch import save

from ispd.models import Model, find, new_folder
from tests.nets import seeded


def model(folder: Path, name: str = "tonemapped", **manifest: object) -> Model:
    """Seeded raw_to_tonemappedHDR."""
    weights = save(seeded.state("hdr"))
    said = {
        "architecture": "raw-to-tonemapped-hdr",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "license": "for tests alone",
    }
    with new_folder(folder, name) as hidden:
        (hidden / "weights.safetensors").write_bytes(weights)
        (hidden / "manifest.json").write_text(json.dumps(said | manifest))
    return find(folder, name)
