"""`ispd jobs retry`: what was failed, set aside, or delivered otherwise than wanted, is planned anew."""

from __future__ import annotations

from ispd.daemon.ledger import products, queries
from ispd.daemon.ledger.rows import Job
from ispd.daemon.ledger.shared import AWAKE, SAME_CONTENT
from ispd.daemon.ledger.store import Store


def retry(store: Store, what: str, profile: str, now: float) -> str:
    """One row, "12" a job or "p7" a photo, inside the caller's transaction; a sentence on what will happen."""
    kind, number = what[:1], what.removeprefix("p")
    if not number.isascii() or not number.isdigit() or len(number) > 15:
        return f"{what}: not an ID that `ispd jobs list` shows"
    return _photo(store, int(number), profile, now) if kind == "p" else _job(store, int(number), profile, now)


def _photo(store: Store, number: int, profile: str, now: float) -> str:
    photo = queries.photo(store, number)
    if photo is None:
        return f"p{number}: no such photo"
    if photo.job is not None:
        return _job(store, photo.job, profile, now)
    store.run(
        """UPDATE photo SET state = 'settling', cause = NULL, reason = '', until = NULL, since = ?,
           wish = coalesce(nullif(?, ''), wish) WHERE id = ?""",
        *(now, profile, number),
    )
    return f"p{number}: looked at again"


def _job(store: Store, number: int, profile: str, now: float) -> str:
    job = _latest(store, number)
    if job is None:
        return f"{number}: no such job"
    if job.state in {"developing", "staged"}:
        return f"{number}: is being developed right now"
    if job.state in {"queued", "waiting"} and (not profile or _has_files(job)):
        store.run(f"UPDATE job SET state = {AWAKE}, since = ? WHERE id = ? AND state = 'waiting'", now, number)
        return f"{number}: is next in the queue" if job.state == "waiting" else f"{number}: is in the queue already"
    return f"{number}: {_anew(store, job, profile, now)}"


def _anew(store: Store, job: Job, profile: str, now: float) -> str:
    """Its photos become ready to be planned, as the next generation; what happens, for people."""
    if not store.value(f"SELECT count(*) FROM photo WHERE {SAME_CONTENT}", job.folder, job.photo_digest):
        return "the original is no longer in the watched folder; put it back"
    if job.state != "delivered":
        products.forget_files(store, job.id)
        products.release(store, job.id)
        store.run(
            """UPDATE job SET superseded = 1,
               state = CASE WHEN state IN ('queued', 'waiting') THEN 'failed' ELSE state END WHERE id = ?""",
            job.id,
        )
    store.run(
        f"""UPDATE photo SET state = 'ready', cause = NULL, reason = '', until = NULL, since = ?3, job = NULL, wish = ?4
            WHERE {SAME_CONTENT}""",
        *(job.folder, job.photo_digest, now, profile),
    )
    return f"will be developed again with {profile}" if profile else "will be developed again"


def _latest(store: Store, number: int) -> Job | None:
    """The last generation of a job: an older one is history."""
    older = queries.job(store, number)
    if older is None:
        return None
    where = "photo_digest = ? AND deliver.path = ? ORDER BY generation DESC LIMIT 1"
    return queries.jobs(store, where, older.photo_digest, older.deliver)[0]


def _has_files(job: Job) -> bool:
    return any(product.sha256 for product in job.products)
