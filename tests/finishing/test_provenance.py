"""Whether a file came from here: told by its bytes, by its signature, or not at all; and nobody is named."""

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image

from orders import provenance
from orders.finishing import pieces, signing
from orders.models import Fingerprint
from portal.demo import certificates
from tests.finishing import people

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def piece() -> pieces.Piece:
    cut = pieces.cut_screen(people.drawn(), (320, 180))
    return pieces.still("portrait", cut, "screen-wide", "가로 화면")


@pytest.fixture
def kept(piece: pieces.Piece) -> bytes:
    sha256 = provenance.hashlib.sha256(piece.data).hexdigest()
    Fingerprint.objects.create(sha256=sha256, product_key="portrait", variant="screen-wide")
    return piece.data


def upload(data: bytes) -> str:
    response = Client().post("/verify/", {"file": SimpleUploadedFile("고 김영자 님.jpg", data, "image/jpeg")})
    assert response.status_code == 200
    return response.content.decode()


def resaved(data: bytes) -> bytes:
    target = io.BytesIO()
    Image.open(io.BytesIO(data)).save(target, "JPEG")
    return target.getvalue()


def test_bytes_made_here_are_known_with_product_and_time(kept: bytes):
    verdict = provenance.read(kept)
    assert verdict.is_from_here
    assert verdict.known is not None
    assert (verdict.manifest, verdict.is_ours, verdict.product.key) == ("valid", True, "portrait")
    page = upload(kept)
    assert "이 포털에서 만든 파일이 맞습니다." in page
    assert "영정사진" in page
    assert "김영자" not in page


def test_after_the_records_are_gone_the_signature_still_tells(piece: pieces.Piece):
    verdict = provenance.read(piece.data)
    assert (verdict.known, verdict.is_from_here, verdict.product.key) == (None, True, "portrait")
    assert "서명이 온전합니다." in upload(piece.data)


def test_a_changed_file_is_called_changed(kept: bytes):
    data = bytearray(kept)
    data[-500] ^= 0x55
    assert provenance.read(bytes(data)).is_changed
    assert "서명한 뒤에 바뀐 파일입니다." in upload(bytes(data))


def test_a_file_saved_again_is_not_taken_for_ours(kept: bytes):
    verdict = provenance.read(resaved(kept))
    assert (verdict.is_from_here, verdict.manifest) == (False, "none")
    assert "알 수 없습니다." in upload(resaved(kept))


def test_a_stranger_who_signs_with_a_certificate_of_the_same_name_is_not_us(settings, tmp_path: Path):
    ours = settings.C2PA_CERTIFICATE_FILE, settings.C2PA_KEY_FILE
    certificates.write(tmp_path / "c.pem", tmp_path / "k.pem")
    settings.C2PA_CERTIFICATE_FILE, settings.C2PA_KEY_FILE = str(tmp_path / "c.pem"), str(tmp_path / "k.pem")
    target = io.BytesIO()
    Image.new("RGB", (64, 64)).save(target, "JPEG")
    forged = signing.sign(target.getvalue(), "image/jpeg", product_key="portrait")
    settings.C2PA_CERTIFICATE_FILE, settings.C2PA_KEY_FILE = ours
    verdict = provenance.read(forged)
    assert (verdict.manifest, verdict.is_ours, verdict.is_from_here) == ("valid", False, False)


@pytest.mark.parametrize("data", [b"x", b"\xff\xd8\xff", b"\0\0\0\x20ftypisom", b"%PDF-1.7", b"\0" * 5000])
def test_anything_may_be_asked_about(data: bytes):
    assert not provenance.read(data).is_from_here
    assert "알 수 없습니다." in upload(data) or "바뀐 파일" in upload(data)


def test_nothing_is_kept_of_it(kept: bytes, settings):
    before = Fingerprint.objects.count()
    upload(kept)
    assert Fingerprint.objects.count() == before
    assert not [path for path in settings.STORAGE_ROOT.rglob("*") if path.is_file()]


def test_no_file_and_too_large_a_file_are_said(settings):
    assert "확인할 파일을 골라 주세요." in Client().post("/verify/").content.decode()
    settings.UPLOAD_MAX_BYTES = 100
    response = Client().post("/verify/", {"file": SimpleUploadedFile("a.jpg", b"x" * 200)})
    assert response.status_code == 422
    assert "너무 큽니다" in response.content.decode()


def test_the_page_speaks_english_when_asked():
    client = Client()
    assert client.get("/verify/?language=en").status_code == 302
    assert client.cookies["django_language"].value == "en"


def test_the_command_says_the_same(kept: bytes, tmp_path: Path):
    good, strange = tmp_path / "good.jpg", tmp_path / "strange.jpg"
    good.write_bytes(kept)
    strange.write_bytes(resaved(kept))
    said = io.StringIO()
    call_command("provenance", good, stdout=said)
    assert "made here: yes" in said.getvalue()
    assert "C2PA manifest: valid, signed by ConnectDream (this portal)" in said.getvalue()
    with pytest.raises(CommandError, match="1 of 2"):
        call_command("provenance", good, strange, stdout=said)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("provenance", tmp_path / "gone.jpg")


def test_a_page_reads_no_more_files_than_it_takes(settings):
    """Any page's form is read before anybody looks who sent it, and what is large is written to the disk."""
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    for path, taken in (("/verify/", 1), ("/accounts/login/", 0)):
        sent = {f"file{number}": SimpleUploadedFile(f"{number}.jpg", b"x" * 200) for number in range(3)}
        asked = Client().post(path, sent).wsgi_request
        assert len(asked.FILES) == taken
