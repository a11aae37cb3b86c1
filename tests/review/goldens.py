"""Whole expected outputs as files; `UPDATE_GOLDENS=1` writes them anew, to be read before they are committed."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden" / "review"


def check(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDENS"):
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")
