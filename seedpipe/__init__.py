"""seedpipe: a build system for AI-generated images."""

__version__ = "0.1.0"
