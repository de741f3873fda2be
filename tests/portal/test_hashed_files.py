"""What production serves: every static file under its hash, and nothing that names a file by its plain name."""

import hashlib
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command


@pytest.fixture
def collected(settings, tmp_path) -> Path:
    settings.STATIC_ROOT = tmp_path
    hashed = {"BACKEND": "portal.hashed_files.HashedFiles"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": hashed}
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def test_sheets_and_scripts_name_each_other_by_hash(collected: Path):
    sheet = (collected / staticfiles_storage.stored_name("fonts/pretendard.css")).read_text()
    slices = re.findall(r"url\(\"?([^)\"]+)", sheet)
    assert len(slices) == 92
    assert all(re.search(r"\.[0-9a-f]{12}\.woff2$", name) and (collected / "fonts" / name).exists() for name in slices)
    script = (collected / staticfiles_storage.stored_name("js/draft.js")).read_text()
    imported = re.findall(r'from "\./([^"]+)"', script)
    assert len(imported) == 2
    assert all(re.search(r"\.[0-9a-f]{12}\.js$", name) and (collected / "js" / name).exists() for name in imported)


def test_the_vendored_files_are_what_the_list_says():
    vendor = Path(__file__).parents[2] / "static" / "vendor"
    listed = dict(re.findall(r"\| `([^`]+)` \|.*`([0-9a-f]{64})` \|", (vendor / "README.md").read_text()))
    assert len(listed) == 3
    for name, digest in listed.items():
        files = sorted(vendor.glob(name) if "*" not in name else (vendor / name).parent.glob("*.woff2"))
        assert hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() == digest, name
