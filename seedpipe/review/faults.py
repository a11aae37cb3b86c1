"""The faults of a manifest for machines: our JSON, GitHub's workflow commands, SARIF 2.1.0. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from seedpipe.display import shown, shown_lines
from seedpipe.errors import Fault, Severity

CHECK_FORMAT: Final = 1
_SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def faults_json(faults: Iterable[Fault]) -> dict[str, Any]:
    """`check --format json`: counts, and each fault with its place; absent values are left out."""
    everything = tuple(faults)
    return {
        "seedpipe_check": CHECK_FORMAT,
        "errors": _number(everything, Severity.ERROR),
        "warnings": _number(everything, Severity.WARNING),
        "faults": [_fault_json(fault) for fault in everything],
    }


def _number(faults: Sequence[Fault], severity: Severity) -> int:
    return sum(fault.severity is severity for fault in faults)


def _fault_json(fault: Fault) -> dict[str, Any]:
    place = fault.position
    values = {
        "code": fault.code,
        "severity": fault.severity.value,
        "message": fault.message,
        "hint": fault.hint,
        "file": place and place.file,
        "line": place and place.line,
        "column": place and place.column,
        "address": fault.address,
    }
    return {name: value for name, value in values.items() if value is not None}


def faults_github(faults: Iterable[Fault], *, folder: str = "") -> str:
    """Annotations of a pull request, one line each. `folder` is the project's, relative to the repository."""
    return "\n".join(_github_line(fault, folder) for fault in faults)


def _github_line(fault: Fault, folder: str) -> str:
    values = {}
    if fault.position is not None:
        values = {
            "file": _in_repository(fault.position.file, folder),
            "line": str(fault.position.line),
            "col": str(fault.position.column),
        }
    values["title"] = fault.code
    settings = ",".join(f"{name}={_github_setting(value)}" for name, value in values.items() if value)
    text = fault.message if fault.hint is None else f"{fault.message}\n{fault.hint}"
    return f"::{fault.severity.value} {settings}::{_github_text(text)}"


def _github_text(text: str) -> str:
    return shown_lines(text).replace("%", "%25").replace("\n", "%0A")


def _github_setting(text: str) -> str:
    return shown(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def _in_repository(file: str, folder: str) -> str:
    folder = folder.strip("/")
    return f"{folder}/{file}" if folder not in ("", ".") else file


def faults_sarif(faults: Iterable[Fault], *, version: str, folder: str = "") -> dict[str, Any]:
    """A SARIF 2.1.0 log with one run. `version` is seedpipe's; places are relative to the repository's root."""
    everything = tuple(faults)
    codes = list(dict.fromkeys(fault.code for fault in everything))
    driver = {"name": "seedpipe", "version": version, "rules": [{"id": code} for code in codes]}
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(fault, codes.index(fault.code), folder) for fault in everything],
    }
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_result(fault: Fault, rule: int, folder: str) -> dict[str, Any]:
    text = fault.message if fault.hint is None else f"{fault.message}\n{fault.hint}"
    result: dict[str, Any] = {
        "ruleId": fault.code,
        "ruleIndex": rule,
        "level": fault.severity.value,
        "message": {"text": text},
    }
    location: dict[str, Any] = {}
    if fault.position is not None:
        file = quote(_in_repository(fault.position.file, folder))
        location["physicalLocation"] = {
            "artifactLocation": {"uri": file},
            "region": {"startLine": fault.position.line, "startColumn": fault.position.column},
        }
    if fault.address is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": fault.address}]
    if location:
        result["locations"] = [location]
    return result
