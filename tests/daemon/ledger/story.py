"""Short words for what happens to photos, so that the tests read as stories."""

from __future__ import annotations

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Folder, Job, Photo, Seen
from ispd.orders import Identity, Order, Output, Plan, Recipe, Report, Written, digest

RECIPE = Recipe("neutral", "{}", (Output(),))


def file(path: str, version: int = 1) -> Seen:
    """A file as a scan sees it; another version is another identity."""
    return Seen(path.encode(), Identity(ino=hash_of(path), size=100, mtime_ns=version, ctime_ns=version))


def hash_of(path: str) -> int:
    """An inode with its top bit set, as some network file systems have them."""
    return int(digest(path.encode())[:16], 16) | 1 << 63


def plan(*names: str, profile: str = "neutral") -> Plan:
    """A plan with these names, JPEGs all."""
    return Plan(Recipe(profile, "{}", tuple(Output() for _ in names)), names, ())


def settled(ledger: Ledger, folder: Folder, path: str, content: str, now: float = 1.0, version: int = 1) -> Photo:
    """A photo that has arrived."""
    ledger.photos.observe(folder.id, [file(path, version)], now)
    photo = ledger.photos.at(folder.id, path.encode())
    assert photo is not None
    ready = ledger.photos.settle(photo.id, photo.identity, digest(content.encode()), now)
    assert ready is not None
    return ready


def queued(ledger: Ledger, folder: Folder, path: str, content: str, now: float = 1.0, name: str = "") -> Job:
    """A photo that has its job."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    return ledger.jobs.enqueue(settled(ledger, folder, path, content, now).id, plan(name or f"{stem}.jpg"), now)


def report(order: Order, content: str = "picture") -> Report:
    """What an engine answers."""
    files = tuple(Written(path, digest(content.encode()), len(content)) for path in order.staging)
    return Report(order.job, files, ("a warning",), "a reader", "cpu", 1.5)


def begun(ledger: Ledger, job: Job, now: float = 2.0) -> Order:
    """An order on its way."""
    order = ledger.jobs.begin(job.id, None, now)
    assert order is not None
    return order


def staged(ledger: Ledger, job: Job, now: float = 3.0) -> Job:
    """A job whose pictures wait for their names."""
    found = ledger.jobs.stage(job.id, report(begun(ledger, job, now)), now)
    assert found is not None
    return found


def delivered(ledger: Ledger, job: Job, now: float = 4.0) -> Job:
    """All the way."""
    return ledger.jobs.deliver(staged(ledger, job, now).id, now)


def there(ledger: Ledger, job: Job) -> Job:
    """The row as it is now."""
    found = ledger.jobs.get(job.id)
    assert found is not None
    return found
