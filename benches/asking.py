"""Orders as the portal has them, one picture each: what the fleet is asked for, and whether it was attached."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from benches.recipe import PORTRAIT, Recipe
from gpujobs import queueing, workflows
from gpujobs.models import Job
from orders.models import Candidate, Consent, ConsentText, Item, Order
from portal.models import FuneralHome, User


class Desk:
    """Somebody at a home who asks for the same thing again and again, with consent, from one photo."""

    def __init__(self, picture: bytes, recipe: Recipe = PORTRAIT) -> None:
        name = uuid4().hex
        self.recipe = recipe
        self._asked = 0
        self.home = FuneralHome.objects.create(name=name)
        self.staff = User.objects.create_user(f"{name}@example.com", name=name, role=User.Role.STAFF, home=self.home)
        self.text = ConsentText.objects.filter(made_for=Order.For.DECEASED).first() or _words()
        self.photo = default_storage.save(f"bench/{uuid4()}.png", ContentFile(picture))

    def ask(self, count: int, *, quick: bool = False) -> tuple[list[Job], float]:
        """Submit so many in one transaction; they and when it was committed, epoch seconds."""
        now = timezone.now()
        workflow = workflows.get(self.recipe.workflow)
        params = self.recipe.quick if quick else self.recipe.params
        images = {each.slot: self.photo for each in workflow.inputs if each.required}
        first = self._asked + 1
        self._asked += count
        jobs = [
            Job(
                workflow=workflow.name,
                params=workflow.clean(params(number)),
                images=images,
                seed=number,
                tenant=self.home.code,
                reference=uuid4(),
                due_at=now + timedelta(hours=1),
            )
            for number in range(first, first + count)
        ]
        return jobs, self.commit(jobs)

    def commit(self, jobs: Sequence[Job]) -> float:
        """Submit them as candidates of orders; when it was committed."""
        items, committed = self._items(len(jobs)), list[float]()
        with transaction.atomic():
            transaction.on_commit(partial(_note_time, committed))
            queueing.submit(jobs)
            Candidate.objects.bulk_create(
                Candidate(code=job.reference, item=item, round=1, number=1, job=job)
                for job, item in zip(jobs, items, strict=True)
            )
        return committed[0]

    def _items(self, count: int) -> list[Item]:
        """Of one order each: an item's candidates end with its round, and every job here stands for itself."""
        now = timezone.now()
        orders = Order.objects.bulk_create(
            Order(home=self.home, created_by=self.staff, name="Bench", submitted_at=now) for _ in range(count)
        )
        scope, digest = sorted(self.text.required_keys), self.text.sha256
        Consent.objects.bulk_create(
            Consent(order=order, text=self.text, text_sha256=digest, scope=scope, method=Consent.Method.TYPED)
            for order in orders
        )
        return Item.objects.bulk_create(
            Item(order=order, product_key="portrait", state=Item.State.PRODUCING, round=1) for order in orders
        )


def _note_time(committed: list[float]) -> None:
    committed.append(timezone.now().timestamp())


def all_ended(jobs: Sequence[Job]) -> bool:
    return not Job.objects.filter(pk__in=[job.pk for job in jobs]).exclude(state__in=Job.ENDED).exists()


def all_noted(jobs: Sequence[Job]) -> bool:
    return not Job.objects.filter(pk__in=[job.pk for job in jobs], noted_at=None).exists()


def _words() -> ConsentText:
    box = {"key": Consent.LIKENESS, "required": True, "title": "-", "purpose": "-", "items": "-", "period": "-"}
    return ConsentText.objects.create(made_for=Order.For.DECEASED, version=1, preamble="-", boxes=[box])
