"""`python -m tests.emulator.descriptions`: writes the shipped descriptions of the emulator anew."""

from pathlib import Path
from typing import Any, Final

from seedpipe import __version__
from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.console import json_text
from seedpipe.emulator.faults import scenario_schema
from seedpipe.emulator.models import make_dialects
from seedpipe.emulator.openapi import describe_api
from seedpipe.emulator.settings import Settings

SCHEMAS: Final = Path(__file__).parent.parent.parent / "schemas"


def openapi() -> dict[str, Any]:
    """What an emulator with the shipped catalogue says of itself."""
    dialects = make_dialects(load_catalogue(), endpoint_model=Settings().endpoint_model)
    return describe_api(dialects, version=__version__)


def main() -> None:
    (SCHEMAS / "emulator.openapi.json").write_text(json_text(openapi()) + "\n", encoding="utf-8")
    (SCHEMAS / "emulator-scenario.schema.json").write_text(json_text(scenario_schema()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
