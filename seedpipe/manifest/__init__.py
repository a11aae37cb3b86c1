"""Manifest text → nodes. Pure: files are read only through `source.ProjectFiles`."""
