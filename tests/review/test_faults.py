"""The faults of a manifest for machines."""

from seedpipe.errors import Fault, Severity
from seedpipe.review.faults import faults_github, faults_json, faults_sarif
from seedpipe.source import Position

FAULTS = [
    Fault(
        code="unknown-key",
        message="unknown key `promt`, 100%\nsecond line ::error::x\x1b[2J",
        position=Position("a b,c:d.yaml", 14, 5),
        hint="did you mean `prompt`?",
        address="hero",
    ),
    Fault(code="glob", message="`art/*.png` matches a new file", severity=Severity.WARNING),
]


def test_json() -> None:
    assert faults_json(FAULTS) == {
        "seedpipe_check": 1,
        "errors": 1,
        "warnings": 1,
        "faults": [
            {
                "code": "unknown-key",
                "severity": "error",
                "message": "unknown key `promt`, 100%\nsecond line ::error::x\x1b[2J",
                "hint": "did you mean `prompt`?",
                "file": "a b,c:d.yaml",
                "line": 14,
                "column": 5,
                "address": "hero",
            },
            {"code": "glob", "severity": "warning", "message": "`art/*.png` matches a new file"},
        ],
    }
    assert faults_json([])["faults"] == []


def test_github() -> None:
    assert faults_github(FAULTS, folder="brand/kit/").split("\n") == [
        "::error file=brand/kit/a b%2Cc%3Ad.yaml,line=14,col=5,title=unknown-key::unknown key `promt`, 100%25"
        "%0Asecond line ::error::x\\x1b[2J%0Adid you mean `prompt`?",
        "::warning title=glob::`art/*.png` matches a new file",
    ]
    assert faults_github([]) == ""


def test_sarif() -> None:
    log = faults_sarif(FAULTS, version="0.1.0", folder=".")
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    assert run["tool"]["driver"] == {
        "name": "seedpipe",
        "version": "0.1.0",
        "rules": [{"id": "unknown-key"}, {"id": "glob"}],
    }
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("unknown-key", 0, "error")
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a%20b%2Cc%3Ad.yaml"},
                "region": {"startLine": 14, "startColumn": 5},
            },
            "logicalLocations": [{"fullyQualifiedName": "hero"}],
        }
    ]
    assert (second["ruleIndex"], second["level"]) == (1, "warning")
    assert "locations" not in second
