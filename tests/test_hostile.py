"""Manifests from strangers get nothing; broken ones get a helpful message each, exit 2 and no traceback."""

from pathlib import Path

import pytest
from PIL import Image

from tests.support.workspace import Workspace, service

HEAD = "seedpipe: 1\nproject: p\ndefaults: {model: seedream-4-5, size: 2K}\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "project")
    Image.new("RGB", (64, 64)).save(made.folder / "logo.png")
    return made


def test_a_strangers_service_gets_no_key(workspace: Workspace, tmp_path: Path) -> None:
    with service(tmp_path / "thief") as thief:
        workspace.write(
            "seedpipe.yaml",
            HEAD
            + f"provider: {{base_url: '{thief.base_url}', api_key_env: AWS_SECRET_ACCESS_KEY, like: apiyi}}\n"
            + "budget: {per_build: 1000000 USD}\nimages:\n  a: {prompt: A lamp}\n",
        )
        secrets = {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI", "APIYI_API_KEY": "sk-users-own-key"}
        ran = workspace.run("build", "--yes", "--max-cost", "5", **secrets)
        assert ran.code == 2
        assert "you have not said you trust" in ran.err
        assert "seedpipe.yaml:4" in ran.err
        assert "wJalr" not in ran.out + ran.err
        assert thief.ledger()["requests"] == []


def test_a_strangers_budget_grants_nothing(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", HEAD + "budget: {per_build: 1000000 USD}\nimages:\n  a: {prompt: A lamp}\n")
    ran = workspace.run("build", "--yes", APIYI_API_KEY="x" * 20)
    assert ran.code == 4
    assert "needs a cap" in " ".join(ran.err.split())


def test_a_strangers_price_is_refused(workspace: Workspace) -> None:
    workspace.write(
        "seedpipe.yaml",
        HEAD
        + "provider: {like: apiyi, base_url: 'https://x.example/v1', prices: 0 USD}\nimages:\n  a: {prompt: A lamp}\n",
    )
    ran = workspace.run("plan")
    assert ran.code == 2
    assert "below the catalogue" in ran.err


BROKEN = {
    "typo": ("images:\n  a: {promt: A lamp}\n", "did you mean `prompt`"),
    "tab": ("images:\n\ta: {prompt: A lamp}\n", "tab"),
    "colour": ("vars: {navy: #0B1F3A}\nimages:\n  a: {prompt: A lamp}\n", "quote"),
    "cycle": (
        "images:\n  a: {prompt: 'x {{ refs.b }}', references: {b: b}}\n  b: {prompt: 'y {{ refs.a }}', references: {a: a}}\n",
        "need each other",
    ),
    "dangling": ("images:\n  hero: {prompt: A lamp}\n  b: {prompt: B, references: [hera]}\n", "did you mean `hero`"),
    "one-path": ("images:\n  a: {prompt: A, output: x.jpg}\n  b: {prompt: B, output: X.jpg}\n", "both write"),
    "escape": ("images:\n  a: {prompt: A, output: ../../x.jpg}\n", ".."),
    "bomb": (
        "vars:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"  {b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
            for a, b in zip("abcdefghi", "bcdefghij", strict=True)
        )
        + "images:\n  z: {prompt: A}\n",
        "5,000,000",
    ),
    "million": (
        "images:\n  a:\n    matrix: {x: &n [" + ", ".join(f"n{i}" for i in range(1000)) + "], y: *n}\n    prompt: A\n",
        "250,000",
    ),
    "variable": ("vars: {product: Lumen}\nimages:\n  a: {prompt: 'A {{ prodct }}'}\n", "did you mean `product`"),
    "size": ("images:\n  a: {prompt: A, size: 1K}\n", "has no tier `1K`"),
    "eleven": (
        "images:\n  s: {file: logo.png}\n  a: {prompt: A, references: [" + ", ".join(["s"] * 11) + "]}\n",
        "10 at most",
    ),
    "outside": ("images:\n  a: {file: ../../../etc/passwd}\n", "leads out of the project"),
    "sandbox": ("images:\n  a: {prompt: \"{{ ''.__class__.__mro__ }}\"}\n", "__class__"),
    "cast": ("images:\n  a: {prompt: A, cast: [mia]}\n", "not yet"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_manifest_gets_a_helpful_message(workspace: Workspace, name: str) -> None:
    body, words = BROKEN[name]
    workspace.write("seedpipe.yaml", HEAD + body)
    ran = workspace.run("plan")
    assert ran.code == 2, ran.out + ran.err
    assert words in " ".join(ran.err.split()), ran.err
    assert "seedpipe.yaml:" in ran.err
    assert ran.out == ""


def test_all_faults_at_once(workspace: Workspace) -> None:
    workspace.write(
        "seedpipe.yaml", HEAD + "images:\n  a: {promt: A}\n  b: {prompt: B, size: 9K}\n  c: {prompt: C, takes: many}\n"
    )
    ran = workspace.run("check", "--format", "json")
    assert ran.code == 2
    assert len(ran.json["faults"]) >= 2
