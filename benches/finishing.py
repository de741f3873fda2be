"""What finishing a 50-megapixel master costs: seconds for each file, and the process's peak memory.

`measure` runs it in a process of its own, since memory that was once used is never given back.
"""

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benches.figures import table
from benches.house import ROOT

# 3:4 and 50 megapixels; larger than any workflow makes.
WIDTH, HEIGHT = 6124, 8165
MOST_SECONDS, MOST_MB = 10, 1500


def measure() -> dict[str, Any]:
    """{"files": [{"variant", "seconds", "megapixels", "byte_count"}], "decode seconds", "peak MB"}."""
    done = subprocess.run([sys.executable, "-m", "benches.finishing"], cwd=ROOT, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def tables(found: dict[str, Any]) -> list[str]:
    rows = [[f["variant"], f["megapixels"], f["seconds"], f["byte_count"]] for f in found["files"]]
    title = (
        f"Finishing a {found['megapixels']}-megapixel master: decoded in {found['decode seconds']} s, "
        f"peak memory {found['peak MB']} MB (at most {MOST_MB}; a file at most {MOST_SECONDS} s)"
    )
    return [table(title, ["file", "megapixels", "seconds", "bytes"], rows)]


def run() -> dict[str, Any]:
    """In this process; Django is set up for it, without a database."""
    with tempfile.TemporaryDirectory() as folder:
        _set_up(Path(folder))
        from orders.finishing import pieces, prints
        from orders.intake.containers import kind_of
        from orders.intake.decoding import decode

        master = Path(folder) / "master.png"
        _draw(master)
        started = time.monotonic()
        data = master.read_bytes()
        picture = decode(data, kind_of(data)).picture
        del data
        decoded = time.monotonic()
        source = pieces.Source(product_key="portrait", picture=picture, face=(0.28, 0.2326, 0.44, 0.344))
        files, last = [], decoded
        for piece in pieces.of_picture(source, prints.USUAL):
            now = time.monotonic()
            files.append(
                {
                    "variant": piece.variant,
                    "megapixels": round(piece.width * piece.height / 1e6, 1),
                    "seconds": round(now - last, 2),
                    "byte_count": len(piece.data),
                }
            )
            last = time.monotonic()
    return {
        "megapixels": round(WIDTH * HEIGHT / 1e6),
        "decode seconds": round(decoded - started, 2),
        "files": files,
        "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }


def _set_up(folder: Path) -> None:
    import django

    from portal.demo import certificates

    certificates.write(folder / "c2pa.pem", folder / "c2pa.key")
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "SECRET_KEY": "only for measuring",
        "DATABASE_URL": "postgresql://none@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
        "HTTPS": "no",
        "C2PA_CERTIFICATE_FILE": str(folder / "c2pa.pem"),
        "C2PA_KEY_FILE": str(folder / "c2pa.key"),
    }
    django.setup()


def _draw(master: Path) -> None:
    """Written by another process, so that drawing it is not counted."""
    code = (
        "import io; from PIL import Image; from portal.demo.sample_people import sample_photo;"
        f"large = Image.open(io.BytesIO(sample_photo(0, 0))).resize(({WIDTH}, {HEIGHT}));"
        f"large.save({str(master)!r}, compress_level=1)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


if __name__ == "__main__":
    target = io.StringIO()
    json.dump(run(), target)
    sys.stdout.write(target.getvalue())
