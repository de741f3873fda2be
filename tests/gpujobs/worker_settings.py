"""The settings of worker processes in the fleet's tests, where no order stands behind a job."""

from portal.settings import *  # noqa: F403

GPUJOBS_MAY_RUN = "tests.gpujobs.making.everybody_may"
