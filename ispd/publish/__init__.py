"""Publishing: staging files get their final names, and nothing is ever overwritten.

The daemon publishes with the ledger behind `Memory`, `ispd develop` with `Numbering`.  Staging lies in DELIVER/.ispd/,
on the file system of the deliver folder, so that giving the final name is one step: `link(2)`, which fails where the
name exists; where links do not work `renameat2(RENAME_NOREPLACE)`; where neither works an empty file of our own
under the final name, which the staging file then replaces.

    desk.py   the deliver folder: its id, its staging folder, which method works there
    steps.py  seal, place, sync, clear: one function a step      verify.py  is it still what was delivered?
    recognize.py  pictures that a lost ledger no longer knows
    names.py  DSC1.jpg, DSC1-2.jpg …
    disk.py   the system calls      words.py  their errors in sentences
"""

from ispd.publish.desk import (
    Desk,
    Method,
    check_mounted,
    check_room,
    open_desk,
    open_desk_by_hand,
    staging_path,
    sweep,
)
from ispd.publish.disk import Disk
from ispd.publish.names import STAGING, TRIES, Numbering, folded, numbered, staging_name
from ispd.publish.recognize import recognized
from ispd.publish.steps import (
    Memory,
    Staged,
    StagingLost,
    clear_job,
    place,
    publish,
    publish_again,
    seal,
    sync_folders,
)
from ispd.publish.verify import Verdict, verify

__all__ = [
    "STAGING",
    "TRIES",
    "Desk",
    "Disk",
    "Memory",
    "Method",
    "Numbering",
    "Staged",
    "StagingLost",
    "Verdict",
    "check_mounted",
    "check_room",
    "clear_job",
    "folded",
    "numbered",
    "open_desk",
    "open_desk_by_hand",
    "place",
    "publish",
    "publish_again",
    "recognized",
    "seal",
    "staging_name",
    "staging_path",
    "sweep",
    "sync_folders",
    "verify",
]
