"""What is installed: the wheel's files are the package's, and from it alone every template builds."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support.workspace import REPOSITORY

TREES = ("seedpipe", "examples", "schemas")
# What people leave lying about; none of it may travel.
LEFT_BEHIND = (
    "examples/brand-kit/build/@proof/hero.jpg",
    "examples/brand-kit/.seedpipe/proof/seedpipe.lock",
    "examples/brand-kit/seedpipe.lock",
    "examples/brand-kit/seedpipe.draft.lock",
    "examples/storyboard/seedpipe.decisions.jsonl",
    "seedpipe/scaffolds/starter/build/banner.jpg",
    "seedpipe/scaffolds/starter/seedpipe.lock",
    "seedpipe/plan/plan.py.orig",
)


def is_ours(path: Path) -> bool:
    """Of this checkout, which may have been built in, what belongs to the package."""
    inside = path.relative_to(REPOSITORY)
    dirt = {"__pycache__", ".seedpipe"} & set(inside.parts) or path.suffix in (".orig", ".pyc")
    built = inside.parts[0] == "examples" and ("build" in inside.parts or inside.name.endswith((".lock", ".jsonl")))
    return path.is_file() and not dirt and not built


def build_wheel(folder: Path) -> Path:
    """The wheel of a copy of the sources in which somebody has worked."""
    sources = folder / "sources"
    for tree in TREES:
        for path in filter(is_ours, (REPOSITORY / tree).rglob("*")):
            place = sources / path.relative_to(REPOSITORY)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(REPOSITORY / name, sources / name)
    for name in LEFT_BEHIND:
        (sources / name).parent.mkdir(parents=True, exist_ok=True)
        (sources / name).write_text("left behind")
    program = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], cwd=sources, capture_output=True, text=True, check=True
    )
    return folder / done.stdout.split()[-1]


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = {name.partition(".dist-info/")[2] for name in archive.namelist() if ".dist-info/" in name}
    files = [path.relative_to(REPOSITORY) for tree in TREES for path in (REPOSITORY / tree).rglob("*") if is_ours(path)]
    assert names == {str(path if path.parts[0] == "seedpipe" else "seedpipe" / path) for path in files}
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= about
    assert wheel.stat().st_size < 4_000_000


@pytest.mark.soak
def test_from_the_wheel_alone_every_template_builds(tmp_path: Path) -> None:
    """A new environment that has our dependencies, but of us only the wheel."""
    wheel = build_wheel(tmp_path)
    python = tmp_path / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    install = ["-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, *install], check=True)
    # A path of the environment runs no `.pth` files, so the checkout stays unseen.
    environ = os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")}

    def seedpipe(*arguments: str, folder: Path = tmp_path) -> str:
        command = [tmp_path / "venv/bin/seedpipe", *arguments]
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    where = subprocess.run(
        [python, "-c", "import seedpipe; print(seedpipe.__file__)"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(tmp_path / "venv"))
    for template, drawn in (("starter", 1), ("brand-kit", 18), ("storyboard", 18), ("catalogue", 29)):
        seedpipe("init", template, "--template", template)
        folder = tmp_path / template
        assert "no faults" in seedpipe("check", folder=folder)
        assert f"drew {drawn} proof" in seedpipe("build", "--proof", folder=folder)
        assert seedpipe("build", "--proof", folder=folder).endswith("everything is up to date · nothing was sent\n")
