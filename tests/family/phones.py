"""A family's phone at its upload link, without login or script, and what it sends."""

from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.factories import drawn_person
from tests.family.making import make_family_link


def picture(number=1, name="어머니.png", size=(300, 400)):
    return SimpleUploadedFile(name, drawn_person(number, size), "image/png")


def stored_files():
    return [path for path in Path(settings.STORAGE_ROOT).rglob("*") if path.is_file()]


class Phone:
    """A browser without login or script, holding the link; the methods below it are what the script asks."""

    def __init__(self, order, by, **fields):
        self.link, self.token = make_family_link(order, by, **fields)
        self.order, self.url, self.browser = order, f"/f/{self.token}/photos/", Client()

    def post(self, *files):
        return self.browser.post(self.url, {"photos": files})

    def begin(self, data, name="어머니.jpg", mark="1"):
        return self.browser.post(f"{self.url}send/", {"mark": mark, "name": name, "size": len(data)})

    def piece(self, code, data, first, last, **more):
        return self.browser.put(
            f"{self.url}send/{code}/",
            data[first:last],
            content_type="application/octet-stream",
            headers={"Content-Range": f"bytes {first}-{last - 1}/{len(data)}"} | more,
        )

    def send(self, data, step=2000, **named):
        code = self.begin(data, **named).json()["code"]
        for first in range(0, len(data), step):
            answer = self.piece(code, data, first, min(first + step, len(data)))
        return answer
