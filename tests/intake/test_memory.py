"""A 48-megapixel photo, turned on its side and in Display P3, fits beside the others of a busy night."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from tests.intake.pictures import exif, picture, saved, wide_gamut_profile

MEASURE = """
import resource, sys, django
from pathlib import Path
django.setup()
from orders import intake
with open(sys.argv[1], "rb") as stream:
    received = intake.receive(stream, folder="orders/large")
# On Linux a process inherits the peak of the one that started it; VmHWM is its own.
status = Path("/proc/self/status")
if status.exists():
    peak = int(status.read_text().split("VmHWM:")[1].split()[0])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(received.width, received.height, peak)
"""


def test_48_megapixels_take_less_than_600_megabytes(tmp_path: Path) -> None:
    photo = tmp_path / "photo"
    photo.write_bytes(saved(picture(8064, 6048), "JPEG", exif=exif(6), icc_profile=wide_gamut_profile()))

    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, str(photo)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"STORAGE_ROOT": str(tmp_path), "DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    width, height, peak = (int(word) for word in answer.stdout.split())
    assert (width, height) == (6048, 8064)
    assert peak < 600 * 1024
