"""Which camera part of a profile a photo gets: several models may share one look, each with a part of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ispd.isp.look import Camera
from ispd.orders import Facts
from ispd.profile.glob import fits
from ispd.sentences import printable

if TYPE_CHECKING:
    from ispd.profile.profile import Profile


@dataclass(frozen=True)
class Body:
    """What belongs to one of several cameras that share the look.  `*` is any text, `?` one character."""

    model: str  # the camera's model or, in a DNG, its UniqueCameraModel
    make: str = ""  # left out: any
    camera: Camera = field(default_factory=Camera)

    def is_of(self, facts: Facts) -> bool:
        """Whether a photo was taken with it."""
        is_make = not self.make or fits(self.make, facts.make.strip())
        return is_make and any(fits(self.model, name.strip()) for name in (facts.model, facts.unique_model) if name)


def for_photo(profile: Profile, facts: Facts) -> tuple[Profile, str]:
    """The profile with the camera part that belongs to the photo's camera, and what there is to say about it.

    A hand-made `[camera]` is for whatever photo the profile is used on; a learned one only for the models it was
    learned on: on another model its look applies alone.
    """
    alone = replace(profile, bodies=())
    for body in profile.bodies:
        if body.is_of(facts):
            return with_camera(alone, body.camera), ""
    learned = profile.fit is not None and bool(profile.bodies or profile.fit.models)
    if not learned or is_learned_on(profile, facts):
        return alone, ""
    note = f'"{profile.name}" has not learned {printable(facts.camera) or "this camera"}: its look applies alone'
    return with_camera(alone, Camera()), note


def is_learned_on(profile: Profile, facts: Facts) -> bool:
    """Whether the camera part that is nobody's own was learned on this model, alone or with others of few photos."""
    if profile.fit is None:
        return False
    names = {facts.camera, f"{facts.make} {facts.model}", facts.model, facts.unique_model}
    return not {_plain(name) for name in names if name}.isdisjoint(map(_plain, profile.fit.models))


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def with_camera(profile: Profile, camera: Camera) -> Profile:
    """The same look with another camera part."""
    return replace(profile, look=replace(profile.look, camera=camera))
