"""One emulator for the tests of a module that need nothing special."""

from collections.abc import Iterator

import pytest

from tests.emulator.running import Running, emulator


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def live(shared: Running) -> Iterator[Running]:
    """The module's emulator, without faults before and after."""
    shared.http.delete("/_emulator/scenario")
    yield shared
    shared.http.delete("/_emulator/scenario")
