"""A layer's words survive every record that holds them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.state.layer import Layer
from seedpipe.state.take import Take
from tests.state.test_takes import take

SIDE = st.integers(-100_000, 100_000)
LAYERS = st.builds(
    Layer,
    z_index=st.integers(0, 1000),
    name=st.text(max_size=20),
    description=st.text(max_size=60),
    box=st.none() | st.tuples(SIDE, SIDE, SIDE, SIDE),
    normalized=st.none() | st.tuples(*[st.floats(-1000, 1000)] * 4),
)


@given(LAYERS)
def test_it_is_read_as_it_was_written(layer: Layer) -> None:
    assert Layer.from_dict(json.loads(json.dumps(layer.to_dict()))) == layer
    kept = take(layer=layer)
    assert Take.from_dict(json.loads(json.dumps(kept.to_dict()))) == kept


def test_a_plain_take_says_nothing_of_layers() -> None:
    assert "layer" not in take().to_dict()
    assert Take.from_dict(take().to_dict()).layer is None


@pytest.mark.parametrize(
    "garbled",
    [{}, {"z_index": "0", "name": "", "description": ""}, {"z_index": 0, "name": "", "description": "", "box": [1, 2]}],
)
def test_a_garbled_one_is_refused(garbled: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Layer.from_dict(garbled)
