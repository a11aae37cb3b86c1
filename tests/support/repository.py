"""A project in git, at a server that is live: it doesn't say that it is an emulator."""

import json
import subprocess
from typing import Any

from tests.support.workspace import Workspace

_IDENTITY = ("-c", "user.name=Mika", "-c", "user.email=mika@example.com", "-c", "init.defaultBranch=main")


class Repository(Workspace):
    def git(self, *words: str, fails: bool = False) -> str:
        ran = subprocess.run(["git", *_IDENTITY, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert (ran.returncode != 0) == fails, ran.stdout + ran.stderr
        return ran.stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def build(self, *targets: str, **environ: str) -> None:
        ran = self.run("build", *targets, "--yes", "--max-cost", "1", **environ)
        assert ran.code == 0, ran.err

    def entry(self, address: str) -> dict[str, Any]:
        """What the lock says of an address."""
        for line in (self.folder / "seedpipe.lock").read_text().splitlines():
            if line.startswith(f"{address} "):
                return dict(json.loads(line.partition(" ")[2]))
        raise AssertionError(f"{address} has no line")
