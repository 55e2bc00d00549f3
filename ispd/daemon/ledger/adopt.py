"""After a lost or restored ledger: a job whose pictures are there already is delivered without developing."""

from __future__ import annotations

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Job
from ispd.orders import Written
from ispd.publish import Desk, recognized


def adopt_if_there(ledger: Ledger, desk: Desk, job: Job, now: float) -> Job | None:
    """The job, `delivered`, if each of its outputs lies in the deliver folder and carries the photo's and the recipe's
    digests; None: develop it.  Ask before each `begin`: it costs a stat an output where nothing has the name.

    A first generation may have been delivered under any number, a retry only from its reserved name on: what was
    delivered before it is not its picture.
    """
    found: list[tuple[str, Written]] = []
    for product in job.products:
        name = product.base if job.generation == 1 else product.name
        picture = recognized(desk, name, job.photo_digest, job.recipe_digest)
        if picture is None or picture in found:
            return None
        found.append(picture)
    return ledger.jobs.adopt(job.id, tuple(found), now)
