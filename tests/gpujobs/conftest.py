import pytest


@pytest.fixture(autouse=True)
def _everybody_may(settings):
    """The fleet alone: nobody is asked whether a job may still be made, unless a test says who."""
    settings.GPUJOBS_MAY_RUN = "tests.gpujobs.making.everybody_may"
