"""The zip of everything: streamed, and whole whatever happens to its files meanwhile."""

import hashlib
import unicodedata
import zipfile
from contextlib import closing
from io import BytesIO

from django.core.files.storage import default_storage

from orders import delivery, files
from orders.archive import open_zip
from orders.models import Deliverable
from tests.family.test_gallery import body_of, file_of


def test_a_zip_under_way_is_whole_though_its_files_are_made_anew_meanwhile(family):
    due = file_of(family).sha256
    body = iter(family.browser.get(f"{family.url}/all.zip").streaming_content)
    begun = next(body)
    files.remove(*Deliverable.objects.values_list("file", flat=True))
    with zipfile.ZipFile(BytesIO(begun + b"".join(body))) as archive:
        assert archive.testzip() is None
        assert due in {hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def test_a_zip_of_files_that_are_gone_is_not_begun(family):
    files.remove(*Deliverable.objects.values_list("file", flat=True))
    assert family.browser.get(f"{family.url}/all.zip").status_code == 404


def test_files_made_anew_just_before_are_looked_up_once_more(family):
    found = delivery.family_files(family.order)
    names = [file.file for file in found]
    for file in found:
        file.file, moved = f"{file.file}-again", file.file
        files.share(moved, file.file)
        file.save(update_fields=["file"])
    stale = delivery.family_files(family.order)
    for file, name in zip(stale, names, strict=True):
        file.file = name
    files.remove(*names)
    with closing(open_zip(stale)) as body:
        assert len(b"".join(body)) == body.length


def test_a_zip_is_streamed_file_by_file_and_leaves_none_open(family, monkeypatch):
    opened = []
    really = default_storage.open

    def noted(name, mode):
        opened.append(really(name, mode))
        return opened[-1]

    monkeypatch.setattr(default_storage, "open", noted)
    with closing(open_zip(delivery.family_files(family.order))) as body:
        next(iter(body))
        assert len(opened) == 2
        assert opened[0].tell() > 0
        assert opened[1].tell() == 0, "the first leaves before the second is read"
    assert all(file.closed for file in opened)


def test_a_name_in_pieces_is_put_together_for_every_system(family):
    pieces = unicodedata.normalize("NFD", "고 김영자 님 우리 홀.png")
    Deliverable.objects.filter(pk=file_of(family).pk).update(download_name=pieces)
    body = body_of(family.browser.get(f"{family.url}/all.zip"))
    assert "고 김영자 님 우리 홀.png" in zipfile.ZipFile(BytesIO(body)).namelist()
