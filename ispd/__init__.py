"""ispd, the unattended darkroom: watches folders and develops raw photos, each with its camera's look."""

__version__ = "0.1.0"
