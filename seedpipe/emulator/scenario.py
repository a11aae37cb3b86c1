"""Scenario files: from the text of one to its faults, or to everything that is wrong with it and where. Pure."""

import json

from seedpipe.emulator.faults import Fault, ScenarioError, parse_faults
from seedpipe.errors import Fault as Problem
from seedpipe.errors import ManifestError
from seedpipe.manifest.document import Document, compose_document, shown_text


def read_scenario(name: str, data: bytes) -> tuple[Fault, ...]:
    """A scenario as YAML or JSON; an empty one has no faults. Raises `ManifestError` with all that is wrong."""
    try:
        return parse_faults(json.loads(data))  # some JSON is no YAML: tabs, `\\/`
    except ScenarioError:
        pass  # read again as YAML, which knows the places
    except (ValueError, RecursionError):
        if not data.strip():
            return ()
    document, problems = compose_document(name, data)
    if document is not None and not problems:
        try:
            return parse_faults(document.value)
        except ScenarioError as error:
            problems = _placed(error, document)
    elif problems and all(problem.code == "yaml-empty" for problem in problems):
        return ()
    raise ManifestError(problems, texts={name: shown_text(data)})


def _placed(error: ScenarioError, document: Document) -> list[Problem]:
    return [
        Problem(code="scenario", message=wrong.message, position=document.position(wrong.path, key=wrong.at_key))
        for wrong in error.wrongs
    ]
