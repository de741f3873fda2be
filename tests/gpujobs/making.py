"""Hosts, instances and jobs for the fleet's tests."""

import io
from datetime import timedelta
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image, ImageDraw

from gpujobs import workflows
from gpujobs.models import GpuHost, Instance, Job
from gpujobs.workflows.portrait import spec as portrait

HOME = UUID(int=1)


def everybody_may(references):
    """Stands for the product's answer to whether a job may still be made: yes."""
    return set(references)


def make_host(name="l4", **fields):
    return GpuHost.objects.create(
        **{"name": name, "address": "127.0.0.1", "username": "gpu", "host_key": "", "key_path": ""} | fields
    )


def make_instance(host, port=8188, **fields):
    """An instance that the doctor found fit for everything, unless said otherwise."""
    fit = {"memory_mb": 24_000, "workflows": list(workflows.names()), "examined_at": timezone.now()}
    return Instance.objects.create(host=host, port=port, **fit | fields)


def a_photo(width=600, height=800, shade=140):
    """A drawn face on a plain ground, as PNG bytes."""
    picture = Image.new("RGB", (width, height), (shade, 150, 160))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.3, height * 0.2, width * 0.7, height * 0.6), fill=(224, 180, 150))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def a_result():
    """What a portrait may come back as: as many pixels as were asked for."""
    return a_photo(portrait.WIDTH, portrait.HEIGHT)


def stored_photo(name=None):
    return default_storage.save(name or f"test/{uuid4()}.png", ContentFile(a_photo()))


def plain_photo():
    """A stored picture of nothing, in which no face can be found."""
    out = io.BytesIO()
    Image.new("RGB", (600, 800), (90, 120, 150)).save(out, "PNG")
    return default_storage.save(f"test/{uuid4()}.png", ContentFile(out.getvalue()))


def a_job(workflow="portrait", *, due=60.0, home=HOME, images=None, **fields):
    """An unsaved job, due in so many minutes."""
    recipe = workflows.get(workflow)
    if images is None:
        photo = stored_photo()
        images = {slot.slot: photo for slot in recipe.inputs if slot.required}
    return Job(
        workflow=workflow,
        params=recipe.clean(fields.pop("params", {})),
        images=images,
        seed=fields.pop("seed", 7),
        tenant=home,
        reference=fields.pop("reference", uuid4()),
        due_at=timezone.now() + timedelta(minutes=due),
        **fields,
    )
