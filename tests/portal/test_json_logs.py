"""A log to be gathered: one JSON object a line, with what a line is about in fields."""

import json
import logging
import os
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings

from gpujobs.models import Attempt, Job
from portal.json_logs import JsonFormatter
from tests.gpujobs.making import a_job, make_host, make_instance


@pytest.fixture
def written():
    """The objects that were written by now, as a function."""
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("gpujobs", "tests.json")]
    for logger in loggers:
        logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in handler.stream.getvalue().splitlines()]
    for logger in loggers:
        logger.removeHandler(handler)


@pytest.mark.django_db
def test_a_step_of_an_attempt_names_attempt_job_and_instance(written):
    (job,) = Job.objects.bulk_create([a_job(images={}, state="running")])
    instance = make_instance(make_host())
    attempt = Attempt.objects.create(job=job, instance=instance, number=1, driver=instance.code)
    assert attempt.move("claimed", state="staged")
    (line,) = written()
    assert (
        line.items()
        >= {
            "level": "INFO",
            "logger": "gpujobs.models",
            "message": f"attempt {attempt.pk} is staged",
            "attempt": str(attempt.pk),
            "job": str(job.pk),
            "instance": str(instance.pk),
        }.items()
    )


def test_a_traceback_is_part_of_its_line_and_tokens_are_masked(written):
    try:
        raise ValueError("cannot open /g/Zl-yMZv9/")
    except ValueError:
        logging.getLogger("tests.json").exception("failed at %s", "/join/Zl-yMZv9/")
    (line,) = written()
    assert line["message"] == "failed at /join/…/"
    assert line["traceback"].endswith("ValueError: cannot open /g/…/")


def run(**changes):
    code = "import logging, django; django.setup(); logging.getLogger('x').warning('said %s', '한글')"
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"} | changes
    return subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False
    )


def test_the_environment_chooses_the_format():
    assert json.loads(run(LOG_FORMAT="json").stderr)["message"] == "said 한글"
    assert "WARNING x said 한글" in run().stderr
    assert "LOG_FORMAT='xml' is none of line, json" in run(LOG_FORMAT="xml").stderr
