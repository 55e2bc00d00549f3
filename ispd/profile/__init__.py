"""TOML to Profile, and which profile a photo gets."""
