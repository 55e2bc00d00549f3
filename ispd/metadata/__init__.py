"""Tags: the one door to exiftool, and the policy of what arrives in an output."""
