"""Profiles: TOML ↔ Profile, which photos they match, where they are looked up."""

from ispd.profile.library import NEUTRAL, Library, open_library
from ispd.profile.match import Match
from ispd.profile.profile import Profile, from_json, read_profile, to_json, to_toml

__all__ = ["NEUTRAL", "Library", "Match", "Profile", "from_json", "open_library", "read_profile", "to_json", "to_toml"]
