"""When a ComfyUI that is out is restarted by its own command: not while it may only be starting."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gpujobs import restarting
from gpujobs.models import Instance


def out(*, fault="wedged", failing=0.0, restarted=None, command=("restart-it",)):
    """An instance that has been out for so many minutes and was restarted so many minutes ago."""
    now = timezone.now()
    return Instance(
        state="out",
        fault=fault,
        failing_since=now - timedelta(minutes=failing),
        restarted_at=None if restarted is None else now - timedelta(minutes=restarted),
        restart_command=list(command),
    )


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"failing": 1, "restarted": 5},  # it worked since
        {"failing": 30, "restarted": 11},  # in vain; perhaps this time
    ],
)
def test_it_is_due(told):
    assert restarting.is_due(out(**told))


@pytest.mark.parametrize(
    "told",
    [
        {"command": ()},
        {"fault": "missing_model"},  # a restart mends nothing
        {"failing": 3, "restarted": 2.9, "fault": "no_answer"},  # restarted for it, and starting
        {"failing": 0.5, "restarted": 1, "fault": "no_answer"},  # restarted by hand under a driver, and starting
        {"failing": 9, "restarted": 8, "fault": "probe_failed"},  # restarted for it in vain
    ],
)
def test_it_is_not_due(told):
    assert not restarting.is_due(out(**told))
