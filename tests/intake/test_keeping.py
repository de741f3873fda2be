"""All files of a photo appear together, or none does."""

import errno
import os
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage

from orders import intake
from orders.intake import Received, keeping
from tests.intake.conftest import stored_files
from tests.intake.pictures import jpeg

TakeIn = Callable[[bytes], Received]


def test_the_files_of_a_photo_lie_under_its_folder_and_have_fixed_names(take_in: TakeIn, folder: str) -> None:
    received = take_in(jpeg())

    assert received.master == f"{folder}/master.jpg"
    assert received.previews == {320: f"{folder}/preview-320.webp", 1280: f"{folder}/preview-1280.webp"}
    kept = {str(path.relative_to(settings.STORAGE_ROOT)) for path in stored_files()}
    assert kept == {received.master, *received.previews.values()}


def test_the_files_are_readable_by_the_portal_only(take_in: TakeIn) -> None:
    path = Path(default_storage.path(take_in(jpeg()).master))

    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("file_number", [1, 2, 3])
def test_a_full_disk_at_any_file_leaves_nothing(
    refused: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch, code: int, file_number: int
) -> None:
    seen = []

    def fsync(descriptor: int) -> None:
        seen.append(descriptor)
        if len(seen) == file_number:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)

    assert refused(jpeg()) == "out_of_space"
    assert list((settings.STORAGE_ROOT / keeping.INCOMING).iterdir()) == []


def test_a_full_disk_is_noticed_where_it_first_shows(
    refused: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", mkdir)

    assert refused(jpeg()) == "out_of_space"


def test_a_storage_that_fails_otherwise_is_the_operators_concern_and_leaves_nothing(
    take_in: TakeIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", fail)

    with pytest.raises(PermissionError):
        take_in(jpeg())
    assert stored_files() == []


def test_a_request_that_is_stopped_leaves_nothing(take_in: TakeIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(intake, "_write_preview", stop)

    with pytest.raises(SystemExit):
        take_in(jpeg())
    assert stored_files() == []


def test_a_folder_is_filled_once(take_in: TakeIn) -> None:
    first = take_in(jpeg())

    with pytest.raises(OSError, match="not empty"):
        take_in(jpeg(300, 300))
    assert len(stored_files()) == 3
    assert Path(default_storage.path(first.master)).is_file()


@pytest.mark.parametrize("folder", ["../outside", "/tmp/outside", "orders/../../outside"])
def test_a_folder_outside_the_storage_is_refused(folder: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        intake.receive(BytesIO(jpeg()), folder=folder)


def test_what_a_killed_process_left_is_found_and_removed_after_an_hour() -> None:
    incoming = settings.STORAGE_ROOT / keeping.INCOMING
    for name, age in (("old", 3700), ("new", 60)):
        (incoming / name).mkdir(parents=True)
        (incoming / name / "master.jpg").write_bytes(b"a face")
        os.utime(incoming / name, (time.time() - age,) * 2)

    assert intake.forget_unfinished() == 1
    assert [folder.name for folder in incoming.iterdir()] == ["new"]


def test_nothing_unfinished_is_nothing_to_do() -> None:
    assert intake.forget_unfinished() == 0
