"""Command lines within the test's own process: a step costs milliseconds. For runs of thousands of them.

What only a process of its own shows (signals, kills, two at once) is for `Workspace`.
"""

import contextlib
import io
import os

from seedpipe.cli import main
from tests.support.workspace import Ran, Workspace


class InsideWorkspace(Workspace):
    """As `Workspace`; folder, environment and streams are this process' own while a command runs."""

    def run(self, *arguments: str, **environ: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        before, here = dict(os.environ), os.getcwd()
        os.environ.clear()
        os.environ.update(self.environ | environ)
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(arguments)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)
        ran = Ran(code, out.getvalue(), err.getvalue())
        assert "this is our bug" not in ran.err, ran.err
        return ran
