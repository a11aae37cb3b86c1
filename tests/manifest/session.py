"""A small project to write, read and break, for tests that read like a session."""

from dataclasses import dataclass
from pathlib import Path

from seedpipe.errors import Fault, ManifestError
from seedpipe.manifest.definition import Manifest
from seedpipe.manifest.expand import Expansion, expand
from seedpipe.manifest.node import DerivedNode, ImageNode, Node
from seedpipe.manifest.parse import parse_manifest
from tests.support.files import FolderFiles

HEAD = "seedpipe: 1\ndefaults: {model: seedream-4-5}\n"


@dataclass(frozen=True, slots=True)
class Session:
    files: FolderFiles

    def write(self, path: str, text: str | bytes) -> "Session":
        self.files.write(path, text)
        return self

    def manifest(self, text: str) -> "Session":
        """Write the manifest, with format and a default model above `text`."""
        return self.write("seedpipe.yaml", HEAD + text)

    def parse(self, *, profile: str | None = None, **variables: str) -> Manifest:
        return parse_manifest(self.files, "seedpipe.yaml", profile=profile, variables=variables)

    def expand(self, *, profile: str | None = None, **variables: str) -> Expansion:
        return expand(self.parse(profile=profile, **variables), self.files)

    def nodes(self, *, profile: str | None = None, **variables: str) -> dict[str, Node]:
        return {node.address: node for node in self.expand(profile=profile, **variables).nodes}

    def image(self, address: str, *, profile: str | None = None, **variables: str) -> ImageNode:
        node = self.nodes(profile=profile, **variables)[address]
        assert isinstance(node, ImageNode)
        return node

    def derived(self, address: str) -> DerivedNode:
        node = self.nodes()[address]
        assert isinstance(node, DerivedNode)
        return node

    def error(self, *, profile: str | None = None, **variables: str) -> ManifestError:
        try:
            self.expand(profile=profile, **variables)
        except ManifestError as error:
            return error
        raise AssertionError("no fault was found")

    def faults(self, *, profile: str | None = None, **variables: str) -> list[str]:
        return [told(fault) for fault in self.error(profile=profile, **variables).faults]


def told(fault: Fault) -> str:
    """`seedpipe.yaml:4:9 code: message (hint)`."""
    where = f"{fault.position} " if fault.position else ""
    return f"{where}{fault.code}: {fault.message}" + (f" ({fault.hint})" if fault.hint else "")


def session(folder: Path) -> Session:
    root = folder / "project"
    root.mkdir(exist_ok=True)
    return Session(FolderFiles(root))
