"""Two faces at one scale, whatever they were cut from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.framing import Face, like, middle

MODEL = Face(x=0.5, y=0.45, height=0.36)
share = st.floats(0.05, 0.9)
side = st.integers(200, 8000)


@given(x=share, y=share, height=share, width=side, tall=side, ratio=st.floats(0.5, 2))
def test_the_face_is_always_as_large_as_the_models(
    x: float, y: float, height: float, width: int, tall: int, ratio: float
):
    box = [float(part) for part in like(Face(x, y, height), (width, tall), model=MODEL, ratio=ratio).split()]
    assert height * tall / box[3] == pytest.approx(MODEL.height, rel=0.05)
    assert box[2] / box[3] == pytest.approx(ratio, rel=0.05)


@given(x=share, y=share, height=st.floats(0.05, 0.2), ratio=st.floats(0.7, 0.8))
def test_where_the_picture_is_large_enough_no_empty_ground_is_shown(x: float, y: float, height: float, ratio: float):
    left, top, wide, tall = (
        float(part) for part in like(Face(x, y, height), (3000, 4000), model=MODEL, ratio=ratio).split()
    )
    assert left >= 0
    assert top >= 0
    assert left + wide <= 3001
    assert top + tall <= 4001


def test_no_face_is_no_face():
    assert Face.of(None) is None
    assert Face.of([0.1, 0.1, 0, 0]) is None
    assert middle([]) is None


def test_one_odd_find_does_not_set_the_scale():
    assert middle([Face(0.5, 0.4, 0.3), Face(0.5, 0.4, 0.31), Face(0.1, 0.9, 0.05)]) == Face(0.5, 0.4, 0.3)
