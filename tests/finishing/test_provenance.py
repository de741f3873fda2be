"""Whether a file came from here: told by its bytes, by its signature, or not at all; and nobody is named."""

import io
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image

from orders import provenance
from orders.finishing import pieces, signing
from orders.models import Fingerprint
from portal import checks
from portal.demo import certificates
from tests.finishing import people
from tests.uploads import fill_the_disk_for_uploads

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


def test_a_still_saved_by_a_long_press_is_known_by_its_signature(piece: pieces.Piece):
    verdict = provenance.read(piece.preview)
    assert (verdict.manifest, verdict.is_ours, verdict.says_ai) == ("valid", True, True)
    assert verdict.product is not None
    assert verdict.product.key == "portrait"
    assert "이 포털에서 만든 파일이 맞습니다." in upload(piece.preview)
    assert len(piece.preview) < 200_000


@pytest.fixture
def expired(settings, tmp_path: Path) -> bytes:
    """A file signed while its certificate was valid, which it is no longer."""
    settings.C2PA_CERTIFICATE_FILE, settings.C2PA_KEY_FILE = str(tmp_path / "c.pem"), str(tmp_path / "k.pem")
    certificates.write(tmp_path / "c.pem", tmp_path / "k.pem", valid_for=timedelta(seconds=2))
    data = signed_picture()
    deadline = time.monotonic() + 10
    while provenance.read(data).manifest == "valid" and time.monotonic() < deadline:
        time.sleep(0.2)
    return data


def signed_picture() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 64)).save(target, "JPEG")
    return signing.sign(target.getvalue(), "image/jpeg", product_key="portrait")


def test_an_expired_certificate_is_not_called_a_change(expired: bytes):
    verdict = provenance.read(expired)
    assert (verdict.manifest, verdict.is_changed, verdict.is_from_here) == ("expired", False, False)
    page = upload(expired)
    assert "인증서의 기한이 지났습니다." in page
    assert "바뀐 파일" not in page
    changed = bytearray(expired)
    changed[-50] ^= 0x55
    assert provenance.read(bytes(changed)).is_changed
    Fingerprint.objects.create(
        sha256=provenance.hashlib.sha256(expired).hexdigest(), product_key="portrait", variant="screen-wide"
    )
    assert "이 포털에서 만든 파일이 맞습니다." in upload(expired)


def test_an_expired_certificate_signs_nothing_more(expired: bytes):
    with pytest.raises(signing.SigningFailed, match="valid at time of signing"):
        signed_picture()


def test_a_renewed_certificate_is_taken_without_a_restart(settings, tmp_path: Path):
    settings.C2PA_CERTIFICATE_FILE, settings.C2PA_KEY_FILE = str(tmp_path / "c.pem"), str(tmp_path / "k.pem")
    certificates.write(tmp_path / "c.pem", tmp_path / "k.pem")
    assert provenance.read(signed_picture()).is_ours
    for path in (tmp_path / "c.pem", tmp_path / "k.pem"):
        path.unlink()
    certificates.write(tmp_path / "c.pem", tmp_path / "k.pem")
    assert provenance.read(signed_picture()).is_ours


def test_a_time_stamp_authority_is_asked_and_one_that_does_not_answer_keeps_nothing_back(settings):
    asked: list[str] = []

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the base class's name
            asked.append(self.headers.get("Content-Type", ""))
            self.send_error(503)

        def log_message(self, *args: object) -> None:
            """Nothing to the terminal."""

    assert provenance.read(signed_picture()).manifest == "valid"
    with HTTPServer(("127.0.0.1", 0), Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.C2PA_TSA_URL = f"http://127.0.0.1:{server.server_port}/"
        data = signed_picture()
        server.shutdown()
    assert asked[0] == "application/timestamp-query"
    assert provenance.read(data).is_ours


@pytest.mark.parametrize(
    ("left", "said"), [(timedelta(days=365), []), (timedelta(days=20), ["W003"]), (-timedelta(hours=1), ["E008"])]
)
def test_the_checks_warn_a_month_before_it_expires(settings, tmp_path: Path, left: timedelta, said: list[str]):
    settings.C2PA_CERTIFICATE_FILE = str(tmp_path / "c.pem")
    certificates.write(tmp_path / "c.pem", tmp_path / "k.pem", valid_for=left)
    found = checks.what_signs_is_valid_for_a_while(None)
    assert [each.id for each in found] == [f"portal.{code}" for code in said]


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


def test_a_disk_too_full_to_look_at_a_file_is_said(monkeypatch, tmp_path):
    fill_the_disk_for_uploads(monkeypatch, tmp_path, after=0)
    answer = Client().post("/verify/", {"file": SimpleUploadedFile("x.jpg", b"x" * 100)})
    assert answer.status_code == 422
    assert "저장 공간이 부족해 파일을 살펴보지 못했습니다" in answer.content.decode()


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
