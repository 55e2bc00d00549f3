"""Learning: a camera's look, from the finished pictures that come with its raws, while other photos go on.

    a photo of a camera that no profile knows ─▶ it waits until its folder is quiet ─▶ a fit, in a process of its own
       ─▶ a learned profile, made for this make and model ─▶ the photos that waited are planned with it
       └▶ none, and why: `neutral`, with the reason; tried again only when more pairs have come

With 3, 8 and 20 pairs a known camera is learned anew, and the new version is kept only if it is better on the photos
that both know.  What was delivered stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TypeAlias

from ispd.daemon.clock import Now
from ispd.daemon.fitting import Command, Fitting, Learned, NotLearned, Task, fit_command
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Lesson, Photo
from ispd.daemon.scan import reference_of
from ispd.daemon.survey import Survey, Watched
from ispd.daemon.words import say
from ispd.errors import CannotCreate
from ispd.orders import Facts
from ispd.plan import References
from ispd.profile import Library
from ispd.profile.certificate import Certificate, how_far_off
from ispd.profile.learned import save
from ispd.profile.library import Entry, Tier, learned_profiles
from ispd.profile.match import Match, camera_of
from ispd.sentences import counted

Camera: TypeAlias = tuple[str, str]  # make, model
Pairs: TypeAlias = tuple[tuple[bytes, bytes | None], ...]

ANEW_AT = (3, 8, 20)  # pairs
LONGEST_GATHERING = 600.0  # pictures may go on coming for so long, then what is there is learned from
COUNT_AGAIN_SECONDS = 1.0


@dataclass
class _Known:
    """What there is of one camera, as last counted."""

    pairs: Pairs = ()
    digests: dict[bytes, str] = field(default_factory=dict)  # of each raw, by its path
    previews: bool = False  # some of them are the raws' own
    counted: float = float("-inf")
    news: bool = True  # something has come since
    none_found: bool = False  # when all its photos had taken part


@dataclass
class Learning:
    """Who waits for what, and the one fit that is under way."""

    ledger: Ledger
    survey: Survey
    state: Path
    learn_after_seconds: float
    command: Command = fit_command
    _known: dict[Camera, _Known] = field(default_factory=dict)
    _asked: dict[Camera, None] = field(default_factory=dict)  # photos wait for these
    _tried: dict[Camera, int] = field(default_factory=dict)  # by this process, with how many pairs
    _fitting: Fitting | None = None
    _seen: int = -1  # references, when news were last looked for
    _with_pairs: dict[int, tuple[tuple[int, int], bool]] = field(default_factory=dict)  # folder → (what it holds, …)

    @property
    def busy(self) -> bool:
        """Whether a fit is under way, or photos wait for one."""
        at_once = not self.learn_after_seconds and any(known.news for known in self._known.values())
        return self._fitting is not None or bool(self._asked) or at_once

    @property
    def task(self) -> Task | None:
        """What is being learned."""
        return self._fitting.task if self._fitting else None

    def hope(self, photo: Photo, folder: Watched, facts: Facts, library: Library, now: Now) -> tuple[References, str]:
        """Whether a photo should wait for its camera's look; with QUIET, why nothing was learned.

        The photo takes part in what is learned from now on.
        """
        camera = camera_of(facts)
        known = self._known.setdefault(camera, _Known())
        if self.ledger.lessons.take_part(photo.id, *camera):
            known.news, known.none_found = True, False
        if learned_entry(camera, library) is not None:
            return References.NONE, ""
        if camera in self._asked or (self.task and camera == (self.task.make, self.task.model)):
            return References.LEARNING, ""
        pairs = self._pairs(camera, now)
        if not pairs and (known.none_found or not self._has_pairs(folder)):
            return References.NONE, ""
        lesson = self.ledger.lessons.of(*camera)
        if pairs and not self._is_due(camera, len(pairs), lesson, library):
            return References.QUIET, lesson.reason if lesson else ""
        waited = now.wall - (photo.settled or now.wall) >= LONGEST_GATHERING
        if not (waited or self._is_quiet(folder, now)):
            return References.GATHERING, ""
        self._asked[camera] = None
        return References.LEARNING, ""

    def step(self, library: Library, settled: bool, now: Now) -> None:
        """Hear the fit that is under way, or start the next; `settled`: no photo is about to come.  Never waits."""
        if self._fitting is not None:
            self._hear(self._fitting, library, now)
        if settled:
            self._look_for_news(library, now)
            self._leave_out_those_without(now)
            self._begin(library, now)

    def look_again(self) -> None:
        """The folders are others now."""
        for known in self._known.values():
            known.news, known.none_found = True, False

    def stop(self) -> None:
        """End the fit; what it had is lost, and learned again by the next start."""
        if self._fitting is not None:
            self._fitting.stop()
            self._fitting = None

    def _begin(self, library: Library, now: Now) -> None:
        while self._asked and self._fitting is None:
            camera = next(iter(self._asked))
            del self._asked[camera]
            known = self._known[camera]
            self._start(Task(*camera, name_for(camera, library), known.pairs, known.digests), now)

    def _leave_out_those_without(self, now: Now) -> None:
        """Now that all photos have taken part: some waited for pictures that are other cameras'."""
        for camera in list(self._asked):
            known = self._known[camera]
            self._count(camera, known, now)
            if not known.pairs:
                known.none_found = True
                del self._asked[camera]
                self._wake(now)

    def _start(self, task: Task, now: Now) -> None:
        self._tried[task.make, task.model] = len(task.pairs)
        try:
            self._fitting = Fitting(task, self.state / "learning", self.command, now.steady)
            say(f"the look of {task.camera} is being learned from {counted(len(task.pairs), 'pair')}")
        except CannotCreate as error:
            self._note(task, str(error), None, now)

    def _hear(self, fitting: Fitting, library: Library, now: Now) -> None:
        task = fitting.task
        match fitting.step(now.steady):
            case None:
                return
            case NotLearned(reason=reason):
                self._fitting = None
                self._note(task, reason, None, now)
            case Learned() as learned:
                self._fitting = None
                self._take(task, learned, library, now)

    def _take(self, task: Task, learned: Learned, library: Library, now: Now) -> None:
        """A new version, if it is better than the one there is."""
        before = self.ledger.lessons.of(task.make, task.model)
        entry = learned_entry((task.make, task.model), library)
        if entry is not None and before is not None and not is_better(learned, before):
            say(f"what {counted(len(task.pairs), 'pair')} teach of {task.camera} is no better: its profile stays")
            self.ledger.lessons.note(replace(before, pairs=len(task.pairs), reason="", tried=now.wall))
            return
        fit = learned.profile.fit or Certificate(pairs=len(task.pairs))
        fit = replace(fit, models=fit.models or (f"{task.make} {task.model}".strip(),))
        profile = replace(learned.profile, name=task.name, match=Match(make=task.make, model=task.model), fit=fit)
        path = entry.path if entry else learned_profiles(self.state) / f"{task.name}.toml"
        try:
            saved = save(profile, path)
        except CannotCreate as error:
            self._note(task, str(error), None, now)
            return
        assert saved.fit is not None
        self._note(task, "", learned, now)
        left = f"; left out: {'; '.join(learned.refused)}" if learned.refused else ""
        say(f"{saved.name} {saved.fit.version} is learned from {counted(fit.pairs, 'pair')}, {how_far_off(fit)}{left}")

    def _note(self, task: Task, reason: str, learned: Learned | None, now: Now) -> None:
        """What came of it; photos that waited are planned anew."""
        if reason:
            say(f"nothing was learned of {task.camera}: {reason}")
        before = self.ledger.lessons.of(task.make, task.model)
        fit = learned.profile.fit if learned else None
        lesson = Lesson(task.make, task.model, len(task.pairs), reason, fit.split if fit else "", {}, now.wall)
        if learned is not None:
            lesson = replace(lesson, held_out=learned.held_out)
        elif before is not None:  # the version that is used still has its errors
            lesson = replace(lesson, held_out=before.held_out, split=before.split)
        self.ledger.lessons.note(lesson)
        self._wake(now)

    def _wake(self, now: Now) -> None:
        self.ledger.photos.wake("learning", now.wall)

    def _look_for_news(self, library: Library, now: Now) -> None:
        """Cameras whose photos wait for nothing, but of which more pairs have come."""
        seen = sum(len(folder.sight.references) for folder in self.survey.folders)
        if seen != self._seen:
            for camera in self.ledger.lessons.cameras():
                self._known.setdefault(camera, _Known()).news = True
        self._seen = seen
        for camera, known in self._known.items():
            if self.task and camera == (self.task.make, self.task.model):
                continue  # once it is known what comes of this one
            if known.news and now.steady - known.counted >= COUNT_AGAIN_SECONDS:
                pairs = self._pairs(camera, now)
                known.news = not self._are_quiet(pairs, now)  # else asked again
                is_due = self._is_due(camera, len(pairs), self.ledger.lessons.of(*camera), library)
                if pairs and is_due and not known.news:
                    self._asked[camera] = None

    def _is_due(self, camera: Camera, pairs: int, lesson: Lesson | None, library: Library) -> bool:
        if lesson is None:
            return True
        if lesson.reason:
            # a preview comes with every photo: trying again with each of them would hold up each of them
            return pairs >= (2 * lesson.pairs if self._known[camera].previews else lesson.pairs + 1)
        if learned_entry(camera, library) is None:  # its profile was taken away
            return camera not in self._tried
        return any(lesson.pairs < step <= pairs for step in ANEW_AT)

    def _are_quiet(self, pairs: Pairs, now: Now) -> bool:
        folders = {id(folder): folder for raw, _ in pairs if (folder := self.survey.of(raw)) is not None}
        return all(self._is_quiet(folder, now) for folder in folders.values())

    def _has_pairs(self, folder: Watched) -> bool:
        """Whether any raw has its picture beside it: others of the same camera may be on their way."""
        sight = folder.sight
        holds = len(sight.photos), len(sight.references)
        before = self._with_pairs.get(folder.row.id)
        if before is None or before[0] != holds:
            found = any(reference_of(path, sight.references) for path in sight.photos) if holds[1] else False
            before = self._with_pairs[folder.row.id] = holds, found
        return before[1] and folder.config.learn == "sidecar"

    def _is_quiet(self, folder: Watched, now: Now) -> bool:
        return now.steady - folder.last_arrival >= self.learn_after_seconds

    def _pairs(self, camera: Camera, now: Now) -> Pairs:
        """All there are, counted again at most once a second."""
        known = self._known.setdefault(camera, _Known())
        if known.news and now.steady - known.counted >= COUNT_AGAIN_SECONDS:
            self._count(camera, known, now)
        return known.pairs

    def _count(self, camera: Camera, known: _Known, now: Now) -> None:
        photos = self.ledger.lessons.photos(*camera)
        known.pairs = tuple(self._pairs_among(photos))
        known.digests = {path: digest for _, path, digest in photos}
        known.previews = any(reference is None for _, reference in known.pairs)
        known.counted, known.news = now.steady, False

    def _pairs_among(self, photos: Iterable[tuple[int, bytes, str]]) -> Iterator[tuple[bytes, bytes | None]]:
        for row, path, _ in photos:
            folder = self.survey.by_row(row)
            if folder is None or folder.missing or folder.config.profile != "auto":
                continue
            if folder.config.learn == "preview":
                yield path, None
            elif folder.config.learn == "sidecar" and (reference := reference_of(path, folder.sight.references)):
                yield path, reference


def learned_entry(camera: Camera, library: Library) -> Entry | None:
    """The learned profile that was made for a camera."""
    entries = (entry for entry in library.entries if entry.tier is Tier.LEARNED and not entry.is_version)
    return next((each for each in entries if each.profile and (each.match.make, each.match.model) == camera), None)


def name_for(camera: Camera, library: Library) -> str:
    """The name of a camera's learned profile: the one it has, else one that nobody uses.

    >>> name_for(("NIKON CORPORATION", "NIKON D90"), Library())
    'learned-nikon-d90'
    """
    if (entry := learned_entry(camera, library)) is not None:
        return entry.name
    make, model = camera
    said = model if not make or model.casefold().startswith(make.split()[0].casefold()) else f"{make} {model}"
    letters = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in said.casefold())
    name = "-".join(["learned", *letters.split()])[:80]
    numbered = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(each for each in numbered if each not in library.names)


def is_better(learned: Learned, before: Lesson) -> bool:
    """Whether a new version is better than the one before, on the photos that were held out from both.

    Errors of parts of a photo whose other parts were seen are no measure for errors of whole photos, nor for each
    other: a look of one photo fits its parts better than a look of three.  Where one of the two was judged so, or both
    on no common photo, more pairs are better.
    """
    fit = learned.profile.fit
    common = learned.held_out.keys() & before.held_out.keys()
    if not common or fit is None or "blocks" in (fit.split, before.split):
        return True
    return sum(learned.held_out[photo] for photo in common) < sum(before.held_out[photo] for photo in common)
