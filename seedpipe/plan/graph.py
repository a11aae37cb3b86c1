"""Nodes and the pictures they are made from, as a directed acyclic graph. networkx stays in here."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import networkx as nx

from seedpipe.errors import Fault, ManifestError
from seedpipe.manifest.node import Node, upstream_addresses


class Graph:
    """Immutable once linked. Edges run from a picture to what is made from it."""

    def __init__(self, nodes: Mapping[str, Node], digraph: "nx.DiGraph[str]", order: Sequence[str]) -> None:
        self._nodes = nodes
        self._digraph = digraph
        self._order = order

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, address: str) -> bool:
        return address in self._nodes

    def __getitem__(self, address: str) -> Node:
        return self._nodes[address]

    def __iter__(self) -> Iterator[Node]:
        """Every node, pictures before what is made from them, else in manifest order."""
        return (self._nodes[address] for address in self._order)

    @property
    def addresses(self) -> Sequence[str]:
        return self._order

    def made_from(self, address: str) -> Sequence[str]:
        """The pictures that `address` is made from, in order, each once."""
        return tuple(dict.fromkeys(upstream_addresses(self._nodes[address])))

    def makes(self, address: str) -> Sequence[str]:
        """The nodes made from `address` directly, in manifest order."""
        return tuple(self._digraph.successors(address))

    def everything_below(self, addresses: Iterable[str]) -> set[str]:
        """`addresses` and all that is made from them, however far."""
        return self._reach(addresses, self.makes)

    def everything_above(self, addresses: Iterable[str]) -> set[str]:
        """`addresses` and all that they are made from, however far."""
        return self._reach(addresses, self.made_from)

    def _reach(self, addresses: Iterable[str], step: Callable[[str], Sequence[str]]) -> set[str]:
        reached: set[str] = set()
        waiting = list(addresses)
        while waiting:
            address = waiting.pop()
            if address not in reached:
                reached.add(address)
                waiting.extend(step(address))
        return reached


def link(nodes: Sequence[Node]) -> Graph:
    """Raises `ManifestError` that names a shortest cycle for each knot. Dangling addresses were refused earlier."""
    by_address = {node.address: node for node in nodes}
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(by_address)
    digraph.add_edges_from((upstream, node.address) for node in nodes for upstream in upstream_addresses(node))
    position = {address: number for number, address in enumerate(by_address)}
    try:
        order = tuple(nx.lexicographical_topological_sort(digraph, key=position.__getitem__))
    except nx.NetworkXUnfeasible:
        raise ManifestError(_cycle_faults(digraph, by_address)) from None
    return Graph(by_address, digraph, order)


def _cycle_faults(digraph: "nx.DiGraph[str]", nodes: Mapping[str, Node]) -> list[Fault]:
    faults = []
    for knot in nx.strongly_connected_components(digraph):
        if len(knot) == 1 and not digraph.has_edge(*[next(iter(knot))] * 2):
            continue
        first = min(knot, key=lambda address: (nodes[address].position, address))
        part = digraph.subgraph(knot)
        loop = min(
            (nx.shortest_path(part, successor, first) for successor in part.successors(first)),
            key=len,
        )
        # Arrows are shown from a picture to what it needs, which is how the manifest reads.
        chain = " → ".join(reversed([first, *loop]))
        faults.append(
            Fault(
                code="cycle",
                message=f"these pictures need each other: {chain}",
                position=nodes[first].position,
                hint="one of them must be made without the other: take a reference out",
                address=first,
            )
        )
    return faults
