"""The main job without a browser: one order with all three products, from its photos to the family's download."""

import hashlib
import io
import json
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import requests
from requests import Response

from portal.demo.house import DemoError, open_house

if TYPE_CHECKING:
    from portal.demo.figures import FileFigures

STEP_SECONDS = 0.02


def run(json_path: Path | None) -> int:
    """Make the order, check what the family gets, write the figures down. Raises DemoError with the reason."""
    started = time.monotonic()
    with _scratch() as directory, open_house(directory, port=0, step_seconds=STEP_SECONDS) as house:
        # Their models need Django set up, which the house does.
        from portal.demo import figures, story

        story.seed_accounts("smoke test only")
        story.choose_prints()
        story.seed_fleet(house.standin)
        house.open()
        ready = time.monotonic()
        link = story.deliver_sample_order(house)
        delivered = time.monotonic()
        order = story.sample_order()
        jobs, files = figures.of_jobs(order), figures.of_files(order)
        _check(link, files, figures.of_videos(order))
        result: dict[str, Any] = {
            "seconds_to_ready": round(ready - started, 1),
            "seconds_to_link": round(delivered - ready, 1),
            "jobs": figures.as_dicts(jobs),
            "files": figures.as_dicts(files),
            "link": link,
        }
        sys.stdout.write(
            f"{figures.table(result['jobs'])}\n\n{figures.table(result['files'])}\n\n"
            f"Ready after {result['seconds_to_ready']} s, handed over {result['seconds_to_link']} s later: {link}\n"
        )
    if json_path:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    return 0


def _check(link: str, files: "list[FileFigures]", videos: list[UUID]) -> None:
    """Take everything as a family would, and compare it byte for byte with what is said of it."""
    if missing := {"portrait", "life_scene", "living_video"} - {file.product for file in files}:
        raise DemoError(f"Nothing was made to hand over of: {', '.join(sorted(missing))}.")
    for file in files:
        if file.wrong:
            raise DemoError(f"{file.name} is not as it should be: {', '.join(file.wrong)}.")
    for kind in ("pdf-", "print-own-"):
        if not any(file.variant.startswith(kind) for file in files):
            raise DemoError(f"Nothing was made of the prints that the home chose: {kind}.")
    link = link.rstrip("/")
    with requests.Session() as session:
        session.trust_env = False
        _get(session, link, expected=200)
        for code in videos:
            part = _get(session, f"{link}/{code}/video/", expected=206, headers={"Range": "bytes=100-199"})
            if len(part.content) != 100:
                raise DemoError(f"A video answered {len(part.content)} bytes where 100 were asked for.")
        archive = _get(session, f"{link}/all.zip", expected=200)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as entries:
        given = {name: hashlib.sha256(entries.read(name)).hexdigest() for name in entries.namelist()}
    for file in files:
        # These two are for the print shop and not in a family's zip.
        if file.variant.startswith(("pdf-", "sheet")):
            continue
        if given.get(file.name) != file.sha256:
            raise DemoError(f"{file.name} in the family's zip is missing or not the file that was approved.")


def _get(session: requests.Session, url: str, *, expected: int, headers: dict[str, str] | None = None) -> Response:
    answer = session.get(url, headers=headers, timeout=120)
    if answer.status_code != expected:
        raise DemoError(f"{url} answers {answer.status_code}, not {expected}.")
    return answer


@contextmanager
def _scratch() -> Iterator[Path]:
    """A directory that is gone afterwards; as root, PostgreSQL's user must be able to pass through it."""
    directory = Path(tempfile.mkdtemp(prefix="connectdream-smoke-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
