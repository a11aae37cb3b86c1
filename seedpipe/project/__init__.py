"""A project opened: its files, its lock, what is remembered of it, and who may get a key."""
