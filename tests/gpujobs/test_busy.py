"""How busy a GPU was and how long it waited, out of the spans of what it executed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpujobs.busy import Span, measure

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
END = START + timedelta(seconds=600)


def span(begin, end, there=None):
    """Seconds from the start of the window."""
    there_at = START + timedelta(seconds=begin if there is None else there)
    return Span(there_at=there_at, begin=START + timedelta(seconds=begin), end=START + timedelta(seconds=end))


@pytest.mark.parametrize(
    ("spans", "share"),
    [
        ([], 0),
        ([span(0, 600)], 1),
        ([span(0, 60), span(60, 120)], 0.2),
        ([span(-300, 60)], 0.1),
        ([span(540, 900)], 0.1),
        ([span(0, 60), span(30, 90)], 0.15),
        ([span(0, 90), span(30, 60)], 0.15),
    ],
)
def test_the_share_counts_each_second_of_the_window_once(spans, share):
    assert measure(spans, START, END).share == pytest.approx(share)


def test_a_gap_counts_only_where_the_next_job_was_already_there():
    waited = span(60.2, 90, there=30)
    came_later = span(200, 230, there=199)
    busy = measure([span(30, 60), waited, came_later], START, END)
    assert busy.gaps == [pytest.approx(0.2)]
    assert busy.gap(0.5) == busy.gap(0.95) == pytest.approx(0.2)


def test_quantiles_are_of_what_was_measured():
    spans = [span(0, 10)]
    for number in range(1, 11):
        before = spans[-1].end
        begin = before + timedelta(seconds=number / 10)
        spans.append(Span(there_at=before, begin=begin, end=begin + timedelta(seconds=1)))
    busy = measure(spans, START, END)
    assert busy.gap(0.5) == pytest.approx(0.5)
    assert busy.gap(0.95) == pytest.approx(1.0)


seconds = st.floats(-1000, 2000, allow_nan=False)


@given(st.lists(st.tuples(seconds, st.floats(0, 500), seconds)))
def test_the_share_is_never_less_than_nothing_or_more_than_all(numbers):
    busy = measure([span(begin, begin + length, there) for begin, length, there in numbers], START, END)
    assert 0 <= busy.share <= 1
    assert all(gap >= 0 for gap in busy.gaps)
