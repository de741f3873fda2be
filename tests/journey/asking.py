"""What a desk sends, by hand and without a browser."""

import re
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orders.models import Order
from portal.demo.sample_people import sample_photo
from tests.factories import PASSWORD

FACTS = {
    "made_for": "deceased",
    "name": "김영자",
    "sex": "woman",
    "altar_at": "내일 14:00",
    "mourner_name": "이민정",
    "mourner_phone": "01012345678",
}


def logged_in(user: Any) -> Client:
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    return client


def submit_an_order(desk: Client, *products: str, photos: int = 1) -> Order:
    """Type the facts, send the photos, record the consent, submit: each as the page would."""
    address = f"/orders/{uuid4()}/"
    facts = FACTS | {"want": products}
    assert desk.post(f"{address}save/", facts).status_code == 302
    for pose in range(photos):
        photo = SimpleUploadedFile(f"어머니 {pose + 1}.jpg", sample_photo(0, pose), "image/jpeg")
        assert desk.post(f"{address}photos/add/", {"photos": photo}).status_code == 302
    words = re.search(r'name="text" value="(\w+)"', desk.get(address).content.decode())
    assert words
    answer = {"text": words[1], "scope": ["likeness", "others"], "method": "typed"}
    answer |= {"signer_name": "이민정", "relationship": "딸"}
    assert desk.post(f"{address}consent/", answer).status_code == 302
    assert desk.post(f"{address}submit/", facts).status_code == 302
    order = Order.objects.get(code=address.split("/")[2])
    assert order.submitted_at, desk.get(address).content.decode()
    return order
