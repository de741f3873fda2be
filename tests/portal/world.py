"""Home A with all that it owns, a stranger of home B, and the portal's own people."""

import io
from types import SimpleNamespace

from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from orders import retention
from orders.models import Arrival, Candidate, Consent, Deliverable, Photo, Showing
from portal.models import Invitation, User
from tests.family.making import approved_order, make_family_link, make_link
from tests.gpujobs.making import make_host, make_instance
from tests.orders.people import make_home, make_order, make_photo, make_settled_objection, make_user


def make_world() -> SimpleNamespace:
    home = make_home("가장례식장")
    staff, manager = make_user("staff", home), make_user("manager", home, User.Role.MANAGER)
    order, draft = approved_order(staff, "portrait", "living_video"), make_order(staff)
    link, token = make_link(order, staff)
    files = {file.item.product_key: file for file in Deliverable.objects.select_related("item")}
    invitation, invitation_token = Invitation.issue(home=home, email="n@example.com", role="staff", invited_by=manager)
    host = make_host()
    make_instance(host)
    stored = {
        "file": store("made.png"),
        "preview": store("made.webp"),
        "media_type": "image/png",
        "width": 880,
        "height": 1120,
    }
    Candidate.objects.update(**stored)
    Consent.objects.update(evidence=store("paper.pdf"))
    seen = order.photos.get()
    Photo.objects.filter(pk=seen.pk).update(previews={"320": store("320.webp")})
    _consent_link, consent_token = make_family_link(order, staff, "consent")
    family_link, family_token = make_family_link(draft, staff)
    sent = make_photo(draft, family_link=family_link, previews={"1280": store("1280.webp")})
    item = order.items.get(product_key="portrait")
    erased = make_order(staff)
    retention.begin_erasure(erased, why="requested", by=manager)
    proof = {"proof": store("proof.webp"), "width": 88, "height": 112}
    Showing.objects.create(candidate=item.candidates.get(), reviewed_by=staff, sha256="0" * 64, **proof)
    return SimpleNamespace(
        home=home,
        erased=erased,
        nobody=None,
        staff=staff,
        manager=manager,
        stranger=make_user("stranger", make_home("나장례식장")),
        reviewer=make_user("reviewer", None, User.Role.REVIEWER),
        operator=make_user("operator", None, User.Role.OPERATOR),
        admin=make_user("admin", None, User.Role.ADMIN),
        order=order,
        draft=draft,
        photo=make_photo(draft),
        seen=seen,
        item=item,
        candidate=item.candidates.get(),
        consent=order.consents.get(),
        objection=make_settled_objection(order, manager),
        link=link,
        locked_token=make_link(order, staff, pin_hash=make_password("2580"))[1],
        family_link=family_link,
        family_token=family_token,
        consent_token=consent_token,
        sent=sent,
        choice_token=make_family_link(order, staff, "choice")[1],
        arrival=Arrival.objects.create(link=family_link, mark="0" * 64, byte_count=1000),
        token=token,
        picture=files["portrait"],
        video=files["living_video"],
        invitation=invitation,
        invitation_token=invitation_token,
        host=host,
    )


def store(name: str) -> str:
    """A file of that name, in which something can be seen where it is a picture."""
    data = io.BytesIO(b"some bytes")
    if name.endswith((".png", ".webp")):
        Image.new("RGB", (88, 112), (190, 190, 186)).save(data, name.rpartition(".")[2])
    return default_storage.save(f"world/{name}", ContentFile(data.getvalue()))
