"""What Prometheus reads is what the rows say, whoever answers."""

import time
from datetime import timedelta
from uuid import uuid4

import django_rq
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from redis import RedisError

from gpujobs import tally
from gpujobs.metrics import Fleet
from gpujobs.models import Attempt, Instance, Job, Scan, Settled
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
    """Ended, after a minute unless said otherwise; ``after``: seconds after the claim at which something happened."""
    after = {"finished_at": 60} | after
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


def figures():
    """Those that count rows; the rest belongs to the moment."""
    counted = ("gpujobs_attempts_total", "gpujobs_jobs_total", "gpujobs_phase_seconds")
    return {key: value for key, value in scraped().items() if key[0].startswith(counted)}


def test_what_is_settled_is_counted_once_and_every_figure_stays_the_same(instance):
    for ago in (7200, 3000, 1000, 60):
        moments = {"staged_at": 0.3, "sent_at": 0.4, "started_at": 1.4, "executed_at": 21.4, "collected_at": 21.9}
        an_attempt(instance, claimed=ago, finished_at=30, **moments)
        an_attempt(instance, claimed=ago, state="failed", fault="cuda", finished_at=5)
    now, before = timezone.now(), figures()
    for later in (timedelta(minutes=-30), timedelta(0), timedelta(0), timedelta(minutes=5)):
        tally.settle(now + later)
        assert figures() == pytest.approx(before)
    assert Settled.objects.count() == 1
    # What is counted may go: no counter ever falls.
    Attempt.objects.filter(finished_at__lt=now - tally.MARGIN).delete()
    assert figures() == pytest.approx(before)


def test_what_ends_after_it_was_settled_is_added(instance):
    an_attempt(instance, claimed=3600, finished_at=10)
    tally.settle(timezone.now())
    an_attempt(instance, finished_at=0)
    assert value("gpujobs_attempts_total", workflow="portrait", outcome="succeeded", fault="") == 2


MANY = """
    WITH made AS (
        INSERT INTO gpujobs_job (id, workflow, params, images, seed, tenant, reference, due_at, queued_at, not_before,
            state, charged_attempts, fault, fault_text, finished_at, noted_at)
        SELECT gen_random_uuid(), (ARRAY['portrait', 'life_scene', 'living_video'])[1 + n %% 3], '{}', '{}', n,
            gen_random_uuid(), gen_random_uuid(), now(), at, at, 'succeeded', 0, '', '', at + interval '40 s', at
        FROM generate_series(1, 100000) AS n, LATERAL (SELECT now() - interval '2 hours' - n * interval '30 s' AS at)
        RETURNING id, queued_at
    )
    INSERT INTO gpujobs_attempt (id, job_id, instance_id, number, state, driver, why, prompt_id, claimed_at, staged_at,
        sending_at, sent_at, started_at, executed_at, collected_at, finished_at, execution_ms, fault, fault_text,
        charged, cleaned_at)
    SELECT gen_random_uuid(), id, %s, 1, 'succeeded', gen_random_uuid(), '', '', queued_at + interval '1 s',
        queued_at + interval '2 s', queued_at + interval '2 s', queued_at + interval '2 s', queued_at + interval '3 s',
        queued_at + interval '39 s', queued_at + interval '40 s', queued_at + interval '40 s', 36000, '', '', false,
        queued_at + interval '40 s'
    FROM made
"""


def test_a_scrape_of_a_hundred_thousand_attempts_costs_what_one_of_a_few_does(instance, django_assert_max_num_queries):
    with connection.cursor() as cursor:
        # Without looking up each row's keys: it is the scrape that is measured.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(MANY, [instance.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE gpujobs_attempt, gpujobs_job")
    tally.settle(timezone.now())
    an_attempt(instance, finished_at=0)
    with django_assert_max_num_queries(13), CaptureQueriesContext(connection) as captured:
        begun = time.monotonic()
        found = scraped()
        took = time.monotonic() - begun
    assert sum(v for (name, _), v in found.items() if name == "gpujobs_attempts_total") == 100_001
    # A busy machine's second; read row by row, it is several.
    assert took < 1, [(query["time"], query["sql"][:200]) for query in captured.captured_queries]
    with connection.cursor() as cursor:
        read = []
        for query in captured.captured_queries:
            cursor.execute(f"EXPLAIN {query['sql']}")
            read += [line for (line,) in cursor.fetchall() if "Seq Scan" in line]
    assert not [line for line in read if "gpujobs_attempt" in line or "gpujobs_job" in line]
