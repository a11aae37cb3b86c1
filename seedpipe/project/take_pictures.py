"""Small pictures of takes for a page: from the store, or from an output file that holds one."""

from collections.abc import Iterable, Mapping

from seedpipe.errors import SeedpipeError
from seedpipe.images.thumbnail import thumbnail
from seedpipe.names import Digest
from seedpipe.plan.memory import Whereabouts
from seedpipe.plan.takes import NodeTakes
from seedpipe.project.deciding import Desk


def take_pictures(desk: Desk, nodes: Iterable[NodeTakes]) -> Mapping[Digest, bytes]:
    """JPEGs by the digest of the take. What is not at hand, or no picture any more, is left out."""
    found: dict[Digest, bytes] = {}
    for node in nodes:
        output = desk.project.outputs.get(node.address)
        for take in node.takes:
            data = None if take.digest in found else _bytes_of(desk, take.digest, output)
            if data is not None:
                try:
                    found[take.digest] = thumbnail(data)
                except SeedpipeError:
                    continue  # the page says that it is not there
    return found


def _bytes_of(desk: Desk, digest: Digest, output: str | None) -> bytes | None:
    try:
        match desk.memory.whereabouts(digest, output):
            case Whereabouts.STORE:
                return desk.store().read(digest)
            case Whereabouts.OUTPUT if output is not None:
                return desk.memory.outputs.file(output).read_bytes()
    except (OSError, SeedpipeError):
        return None
    return None
