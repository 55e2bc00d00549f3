"""Pictures to files: one file a format, and the ICC profiles that go inside."""
