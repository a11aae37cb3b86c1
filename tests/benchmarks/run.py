"""`make bench`: the no-op, seedpipe beside doit, the same graph in one run. Ratios are published, times are not judged.

The graph: n nodes as one source, n / 11 pictures of text and ten pictures made from each of them. doit gets the same
files and dependencies with actions that write a letter. Both were run once before, so that nothing is left to do.
`fresh` is a plan without the memo, as after an upgrade of seedpipe.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from tests.support.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
ROUNDS = 3

DODO = """
from pathlib import Path
HEADS = {heads}
def task_head():
    for i in range(HEADS):
        yield {{"name": str(i), "file_dep": ["logo.png"], "targets": [f"out/head{{i}}"], "actions": [(touch, [f"out/head{{i}}"])]}}
def task_leaf():
    for i in range(HEADS):
        for j in range(10):
            yield {{"name": f"{{i}}/{{j}}", "file_dep": [f"out/head{{i}}"], "targets": [f"out/leaf{{i}}.{{j}}"], "actions": [(touch, [f"out/leaf{{i}}.{{j}}"])]}}
def touch(path):
    Path(path).write_text("x")
"""


def manifest(heads: int) -> str:
    numbers = ", ".join(f"h{i}" for i in range(heads))
    return (
        "seedpipe: 1\nproject: bench\ndefaults: {model: seedream-4-0, size: 1K}\nimages:\n"
        "  logo: {file: logo.png}\n"
        f"  head: {{matrix: {{n: [{numbers}]}}, prompt: 'Lamp {{{{ n }}}} with {{{{ refs.logo }}}}', references: {{logo: logo}}}}\n"
        f"  leaf:\n    matrix: {{n: [{numbers}], k: [k0, k1, k2, k3, k4, k5, k6, k7, k8, k9]}}\n"
        "    from: 'head/{{ n }}'\n    steps: [{resize: 16x16}, {convert: jpeg}]\n"
    )


def timed(command: Sequence[str], folder: Path, environ: dict[str, str]) -> float:
    began = time.monotonic()
    subprocess.run(command, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def measure(heads: int, folder: Path) -> dict[str, float]:
    """Median seconds of each, in turn, and what doit takes as a multiple of ours."""
    home = folder / "home"
    workspace = Workspace(folder / "seedpipe", SEEDPIPE_HOME=str(home))
    workspace.write("seedpipe.yaml", manifest(heads))
    other = folder / "doit"
    (other / "out").mkdir(parents=True)
    (other / "dodo.py").write_text(DODO.format(heads=heads), encoding="utf-8")
    for place in (workspace.folder, other):
        Image.new("RGB", (64, 64), (200, 140, 20)).save(place / "logo.png")
    doit = [sys.executable, "-m", "doit", "run"]
    plan = [sys.executable, "-m", "seedpipe", "plan", "--proof", "--exit-code"]  # fails if anything is left to do
    environ = dict(os.environ)
    timed(doit, other, environ)
    timed([sys.executable, "-m", "seedpipe", "build", "--proof", "-j", "64"], workspace.folder, workspace.environ)
    ours, fresh, theirs = [], [], []
    for _ in range(ROUNDS):
        for memo in (home / "memo").glob("*"):
            memo.unlink()
        fresh.append(timed(plan, workspace.folder, workspace.environ))
        ours.append(timed(plan, workspace.folder, workspace.environ))
        theirs.append(timed(doit, other, environ))
    mine, anew, doits = statistics.median(ours), statistics.median(fresh), statistics.median(theirs)
    return {
        "nodes": heads * 11 + 1,
        "seedpipe_s": round(mine, 3),
        "seedpipe_fresh_s": round(anew, 3),
        "doit_s": round(doits, 3),
        "doit_over_seedpipe": round(doits / mine, 2),
        "doit_over_fresh": round(doits / anew, 2),
    }


def main() -> int:
    """Writes results/noop.json and prints it."""
    rows = []
    for heads in (91, 909):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(heads, Path(folder)))
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"benchmark": "no-op plan beside doit", "rounds": ROUNDS, "rows": rows}, indent=2)
    (RESULTS / "noop.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
