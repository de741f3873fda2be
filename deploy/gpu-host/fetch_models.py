#!/usr/bin/env python3
"""Fetch the model files of needs.json into ComfyUI's directory and check them. Needs nothing but Python 3.

    fetch_models.py DIRECTORY                            what is there, what is missing, under which licences
    fetch_models.py DIRECTORY --fetch                    fetch what is missing and may be used commercially
    fetch_models.py DIRECTORY --fetch --licences-read    ... and the rest
    fetch_models.py DIRECTORY --sums                     read every file again and compare its SHA-256

--workflow NAME (repeatable) takes the files of that workflow only. A fetch that broke off goes on where it stopped.
Ends with 0 where everything asked for is there.
"""

import argparse
import hashlib
import json
import shutil
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

NEEDS = Path(__file__).resolve().with_name("needs.json")
CHUNK = 1024 * 1024
TIMEOUT = 60


def main() -> int:
    asked = arguments()
    models = chosen(asked.workflow)
    for model in models:
        if not model["commercial_use"]:
            print(f"! {model['name']}: {model['licence']}")
            print(f"  instead: {model['alternative']}")
    if any(not model["commercial_use"] for model in models):
        print("! These forbid or restrict commercial use. A home that sells pictures needs an answer for each.\n")
    complete = [seen_to(model, asked) for model in models]
    return 0 if all(complete) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Model files of a GPU host.")
    parser.add_argument("directory", type=Path, help="ComfyUI's directory, /srv/comfyui/app")
    parser.add_argument("--workflow", action="append", default=[])
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("--licences-read", action="store_true", help="you may use what restricts commercial use")
    parser.add_argument("--sums", action="store_true", help="read every file and compare its SHA-256")
    return parser.parse_args()


def chosen(workflows: list[str]) -> list[dict]:
    models = json.loads(NEEDS.read_text(encoding="utf-8"))["models"]
    known = {name for model in models for name in model["workflows"]}
    if unknown := set(workflows) - known:
        sys.exit(f"no such workflow: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return [model for model in models if not workflows or set(workflows) & set(model["workflows"])]


def seen_to(model: dict, asked: argparse.Namespace) -> bool:
    """Whether all of its files are there at the end."""
    fine = True
    for file in model["files"]:
        path = asked.directory / file["path"]
        if not path.is_file():
            if not asked.fetch:
                fine = said(path, f"missing ({model['source']})")
            elif not (model["commercial_use"] or asked.licences_read):
                fine = said(path, "not fetched: read its licence above, then say --licences-read")
            else:
                fine = fetched(file, path) and fine
        elif asked.sums:
            fine = judged(file, path) and fine
        else:
            said(path, "is there")
    for file in model["files"] if fine else ():
        if file["url"].endswith(".zip"):
            archive_of(file, asked.directory / file["path"]).unlink(missing_ok=True)
    return fine


def said(path: Path, what: str) -> bool:
    """Always False: what is said about a file instead of "all is well"."""
    print(f"{path}: {what}", flush=True)
    return False


def judged(file: dict, path: Path) -> bool:
    seen = sum_of(path)
    if not file["sha256"]:
        said(path, f"SHA-256 {seen}, not known to the list")
    elif seen != file["sha256"]:
        return said(path, f"SHA-256 {seen}, NOT the expected {file['sha256']}")
    else:
        said(path, "SHA-256 as expected")
    return True


def sum_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fetched(file: dict, path: Path) -> bool:
    """The file appears under its name only whole and with the right sum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        if file["url"].endswith(".zip"):
            unpack(downloaded(file["url"], archive_of(file, path)), path.name, part)
        else:
            download(file["url"], part)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        return said(path, f"could not be fetched from {file['url']}: {error}")
    if not judged(file, part):
        part.unlink()
        return False
    part.chmod(0o644)
    part.rename(path)
    return True


def archive_of(file: dict, path: Path) -> Path:
    """Where an archive lies until all of its model's files are out of it."""
    return path.parent.with_name(file["url"].rpartition("/")[2])


def downloaded(url: str, archive: Path) -> Path:
    if not archive.is_file():
        part = archive.with_name(archive.name + ".part")
        download(url, part)
        part.rename(archive)
    return archive


def download(url: str, part: Path) -> None:
    """Append what is missing. Raises OSError, also where less came than was promised."""
    there = part.stat().st_size if part.exists() else 0
    said(part, f"from {url}{f', from byte {there}' if there else ''}")
    request = urllib.request.Request(url, headers={"Range": f"bytes={there}-"} if there else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        # All of it was there already.
        if there and error.code == 416:
            return
        raise
    with answer, part.open("ab" if answer.status == 206 else "wb") as content:
        before = content.tell()
        shutil.copyfileobj(answer, content, CHUNK)
        promised = answer.headers.get("Content-Length")
        if promised and content.tell() - before != int(promised):
            raise OSError("the connection broke off; ask again and it goes on from there")


def unpack(archive: Path, name: str, part: Path) -> None:
    """One member, whatever folder it lies in inside the archive."""
    with zipfile.ZipFile(archive) as members:
        (member,) = [each for each in members.namelist() if each.rpartition("/")[2] == name] or [name]
        with members.open(member) as source, part.open("wb") as content:
            shutil.copyfileobj(source, content, CHUNK)


if __name__ == "__main__":
    sys.exit(main())
