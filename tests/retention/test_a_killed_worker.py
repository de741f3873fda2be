"""A worker killed with SIGKILL in the middle of an erasure: the next one goes on, and no file is forgotten."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.utils import timezone

from gpujobs.models import Attempt, GpuHost
from orders import erasing, files, retention, tasks
from orders.models import Erasure
from tests.factories import make_reviewable_item, make_staff
from tests.workers import ROOT, database_url

# A process of its own, which dies at the second file that it removes.
DYING = """
import os, signal, sys
import django
django.setup()
from orders import erasing, files
real, left = files.remove, [2]
def remove(*names):
    for name in names:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        real(name)
files.remove = remove
erasing.work(int(sys.argv[1]))
"""


@pytest.mark.django_db(transaction=True)
def test_an_erasure_is_brought_to_its_end_though_its_worker_is_killed():
    order = make_reviewable_item(make_staff()).order
    Attempt.objects.update(cleaned_at=timezone.now())
    GpuHost.objects.update(state=GpuHost.State.RETIRED)
    before = {files.sha256_of(str(path)) for path in settings.STORAGE_ROOT.rglob("*") if path.is_file()}
    erasure = retention.begin_erasure(order, why="requested", by=order.created_by)
    environment = os.environ | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    dying = subprocess.run([sys.executable, "-c", DYING, str(erasure.pk)], env=environment, cwd=ROOT, check=False)
    assert dying.returncode == -signal.SIGKILL
    left = [path for path in settings.STORAGE_ROOT.rglob("*") if path.is_file()]
    assert len(left) == len(before) - 1
    assert order.photos.exists()
    assert erasing.left_behind() == []
    Erasure.objects.update(busy_until=timezone.now())
    assert erasing.left_behind() == [erasure.pk]
    tasks.erase(erasure.pk)
    erasure.refresh_from_db()
    assert erasure.finished_at
    assert not [path for path in settings.STORAGE_ROOT.rglob("*") if path.is_file()]
    assert {each["sha256"] for each in erasure.files} == before
    assert not order.photos.exists()
