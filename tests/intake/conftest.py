import uuid
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from PIL import Image

from orders import intake
from orders.intake import Received


@pytest.fixture
def folder() -> str:
    return f"orders/{uuid.uuid4()}/photos/{uuid.uuid4()}"


@pytest.fixture
def take_in(folder: str) -> Callable[[bytes], Received]:
    return lambda data: intake.receive(BytesIO(data), folder=folder)


@pytest.fixture
def refused(folder: str) -> Callable[[bytes], str]:
    """Take in what must be refused; gives the code after seeing that nothing was kept."""

    def refused(data: bytes) -> str:
        with pytest.raises(intake.PhotoRefused) as caught:
            intake.receive(BytesIO(data), folder=folder)
        assert stored_files() == []
        assert caught.value.sentence
        return caught.value.code

    return refused


def stored_files() -> list[Path]:
    return [path for path in settings.STORAGE_ROOT.rglob("*") if path.is_file()]


def stored(name: str) -> Image.Image:
    with default_storage.open(name) as file:
        image = Image.open(file)
        image.load()
    return image


def stored_bytes(name: str) -> bytes:
    with default_storage.open(name) as file:
        return file.read()
