"""What Prometheus reads is what the rows say, whoever answers."""

from datetime import timedelta
from uuid import uuid4

import django_rq
import pytest
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from redis import RedisError

from gpujobs.metrics import Fleet
from gpujobs.models import Attempt, Instance, Job, Scan
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = pytest.mark.django_db


def scraped():
    """{(sample, labels as a frozenset): value}, through the text that Prometheus gets."""
    registry = CollectorRegistry()
    registry.register(Fleet())
    text = generate_latest(registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(name, **labels):
    return scraped().get((name, frozenset(labels.items())))


@pytest.fixture
def instance():
    return make_instance(make_host())


def queued(workflow="portrait", *, waiting=0.0, **fields):
    return a_job(workflow, images={}, queued_at=timezone.now() - timedelta(seconds=waiting), **fields)


def an_attempt(instance, *, claimed=0.0, state="succeeded", job=None, **after):
    """Ended; ``after``: seconds after the claim at which something happened."""
    begun = timezone.now() - timedelta(seconds=claimed)
    fields = {name: begun + timedelta(seconds=s) if name.endswith("_at") else s for name, s in after.items()}
    job = job or queued(state="running", waiting=claimed + 4)
    job.save()
    return Attempt.objects.create(
        job=job, instance=instance, number=1, driver=uuid4(), state=state, claimed_at=begun, **fields
    )


def test_the_queue_has_depth_age_and_what_is_overdue(instance):
    Job.objects.bulk_create([queued(waiting=90), queued(waiting=30, due=-1), queued("living_video")])
    assert value("gpujobs_queue_depth", workflow="portrait") == 2
    assert value("gpujobs_queue_oldest_seconds", workflow="portrait") == pytest.approx(90, abs=5)
    assert value("gpujobs_queue_overdue", workflow="portrait") == 1
    assert value("gpujobs_queue_depth", workflow="living_video") == 1
    assert value("gpujobs_queue_depth", workflow="print_master") == 0


def test_it_says_what_no_instance_can_make(instance):
    Instance.objects.update(workflows=["portrait"])
    assert value("gpujobs_possible_instances", workflow="portrait") == 1
    assert value("gpujobs_possible_instances", workflow="living_video") == 0


def test_attempts_are_counted_by_outcome_and_fault(instance):
    an_attempt(instance)
    for _ in range(2):
        an_attempt(instance, state="failed", fault="out_of_memory")
    assert value("gpujobs_attempts_total", workflow="portrait", outcome="succeeded", fault="") == 1
    assert value("gpujobs_attempts_total", workflow="portrait", outcome="failed", fault="out_of_memory") == 2


def test_each_phase_has_its_seconds(instance):
    an_attempt(instance, claimed=60, staged_at=0.3, sent_at=0.4, started_at=1.4, executed_at=21.4, collected_at=21.9)
    figures = scraped()

    def of(phase, name="sum"):
        return figures[f"gpujobs_phase_seconds_{name}", frozenset({"workflow": "portrait", "phase": phase}.items())]

    sums = {phase: of(phase) for phase in ("queued", "staging", "pending", "execution", "collecting")}
    assert sums == pytest.approx(
        {"queued": 4, "staging": 0.3, "pending": 1, "execution": 20, "collecting": 0.5}, abs=0.1
    )
    within = {"workflow": "portrait", "phase": "execution", "le": "10.0"}
    assert figures["gpujobs_phase_seconds_bucket", frozenset(within.items())] == 0
    assert figures["gpujobs_phase_seconds_bucket", frozenset((within | {"le": "30.0"}).items())] == 1
    assert of("execution", "count") == 1


def test_a_gpu_that_executed_half_of_the_window_is_half_busy(instance):
    an_attempt(instance, claimed=590, sent_at=0, started_at=0, executed_at=150, execution_ms=150_000)
    an_attempt(instance, claimed=580, sent_at=0, started_at=140.5, executed_at=291, execution_ms=150_000)
    assert value("gpujobs_gpu_busy_share", instance="l4:8188") == pytest.approx(0.5, abs=0.01)
    # Each row is dated from its own now, and a busy machine takes a while between two.
    assert value("gpujobs_gpu_idle_gap_seconds", instance="l4:8188", quantile="0.5") == pytest.approx(0.5, abs=0.4)


def test_instances_are_counted_by_state_and_removed_hosts_not_at_all(instance):
    make_instance(instance.host, 8189, state="out")
    make_instance(make_host("gone", state="retired"))
    assert value("gpujobs_instances", state="active") == 1
    assert value("gpujobs_instances", state="out") == 1
    assert value("gpujobs_instances", state="draining") == 0


def test_what_scans_found_is_summed(instance):
    Scan.objects.create(host=instance.host, found=2)
    Scan.objects.create(host=instance.host, found=1, trouble="l4:8188: no answer", at=timezone.now())
    whole = Scan.objects.filter(trouble="").get()
    assert value("gpujobs_leftovers_total", host="l4") == 3
    assert value("gpujobs_scan_timestamp_seconds", host="l4") == pytest.approx(whole.at.timestamp())


@pytest.mark.django_db(transaction=True)
def test_messages_that_wait_are_counted(instance):
    django_rq.get_queue("portal").enqueue("math.sqrt", 4)
    assert value("rq_queue_depth", queue="portal") == 1
    assert value("gpujobs_redis_up") == 1


def test_without_redis_the_rest_is_still_there(instance, monkeypatch):
    def get_queue(name):
        raise RedisError

    monkeypatch.setattr(django_rq, "get_queue", get_queue)
    assert value("gpujobs_redis_up") == 0
    assert value("gpujobs_instances", state="active") == 1


def test_the_number_of_queries_does_not_grow_with_the_fleet(instance, django_assert_max_num_queries):
    for port in range(8200, 8220):
        an_attempt(make_instance(instance.host, port), sent_at=0, started_at=0, executed_at=1)
    with django_assert_max_num_queries(12):
        scraped()
