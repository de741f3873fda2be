"""A 48-megapixel photo, turned on its side and in Display P3, fits beside the others of a busy night."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from tests.intake.pictures import exif, picture, saved, wide_gamut_profile

MEASURE = """
import resource, sys, django
django.setup()
from orders import intake
with open(sys.argv[1], "rb") as stream:
    received = intake.receive(stream, folder="orders/large")
print(received.width, received.height, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
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
    kibibytes = peak // 1024 if sys.platform == "darwin" else peak
    assert (width, height) == (6048, 8064)
    assert kibibytes < 600 * 1024
