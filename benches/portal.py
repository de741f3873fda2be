"""The portal as it runs in the field, asked for pictures and watched."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from benches import drivers
from benches.asking import Desk, all_ended, all_noted
from benches.figures import Entry, Spread, efficiency, gaps_ms, mean_execution
from benches.house import House, wait_for, workers
from gpujobs import hosts
from gpujobs.models import Attempt, GpuHost, Instance, Job
from orders.models import Candidate

# With what else the machine may be doing.
PATIENCE = 300.0
# So soon that a driver has let go between two jobs.
IDLE_SECONDS = 1


class Portal:
    """Its hosts' rows, one for each stand-in and each distance to it."""

    def __init__(self, house: House, round_trips: Sequence[int]) -> None:
        self.house = house
        self.desk = Desk(house.picture, house.recipe)
        self.rows: dict[int, list[list[Instance]]] = {}
        for trip in round_trips:
            self.rows[trip] = []
            for standin in house.standins:
                host = GpuHost(
                    name=f"{standin.name}-{trip}",
                    address=standin.address,
                    port=standin.wires[trip],
                    username=standin.username,
                    host_key=standin.host_key,
                    key_path=str(standin.key_path),
                )
                self.rows[trip].append(hosts.add(host, standin.ports, directory=standin.directory))

    @contextmanager
    def driving(self, trip: int, over_hosts: Sequence[int], *, idle_seconds: int = 300) -> Iterator[None]:
        """Workers at work on so many instances of each host, warmed up."""
        self._use(trip, over_hosts)
        with workers(self.house, drivers=sum(1 for used in over_hosts if used), idle_seconds=idle_seconds):
            jobs, _ = self.desk.ask(2 * sum(over_hosts), quick=True)
            wait_for(lambda: all_noted(jobs), PATIENCE, "the first jobs' attaching")
            yield

    def many(self, count: int, trip: int, instances: int) -> dict[str, Any]:
        """So many jobs in one go."""
        before, spent = self.house.requests(), drivers.cpu_seconds()
        jobs, committed_at = self.desk.ask(count)
        wait_for(lambda: all_ended(jobs), PATIENCE, "the end of all jobs")
        self._settled(jobs)
        spent = drivers.cpu_seconds() - spent
        asked = sum(self.house.requests().values()) - sum(before.values())
        ledgers = self._ledgers(jobs)
        if len(ledgers) != instances:
            raise RuntimeError(f"{len(ledgers)} of {instances} instances were used")
        return self._run("the portal", trip, jobs, ledgers) | {
            "gap ms": Spread.of(gaps_ms(ledgers)),
            "efficiency": efficiency(ledgers, committed_at),
            "CPU ms per job": spent / count * 1000,
            "asked per job": asked / count or None,
        }

    def one_at_a_time(self, count: int, trip: int) -> dict[str, Any]:
        """Each committed when nothing else is to do and a driver is at the wheel."""
        jobs, committed = [], {}
        for _number in range(count):
            (job,), committed_at = self.desk.ask(1, quick=True)
            jobs.append(job)
            committed[str(job.pk)] = committed_at
            self._settled([job])
        ledgers = self._ledgers(jobs)
        return self._run("the portal, idle before", trip, jobs, ledgers) | {"before ms": _before(ledgers, committed)}

    def cold(self, count: int, trip: int) -> dict[str, Any]:
        """Each committed when the driver before has let go: a worker must fork, connect and open its lane."""
        jobs, committed = [], {}
        with self.driving(trip, (1, 0), idle_seconds=IDLE_SECONDS):
            for _number in range(count):
                wait_for(_nobody_drives, PATIENCE, "the driver's letting go")
                (job,), committed_at = self.desk.ask(1, quick=True)
                jobs.append(job)
                committed[str(job.pk)] = committed_at
                self._settled([job])
        ledgers = self._ledgers(jobs)
        return self._run("the portal, no driver", trip, jobs, ledgers) | {"before ms": _before(ledgers, committed)}

    def asked_while_idle(self, seconds: int) -> dict[str, float]:
        """What the instances were asked per second, all together, with drivers at the wheel and nothing to do."""
        before = self.house.requests()
        time.sleep(seconds)
        after = self.house.requests()
        return {
            what: (times - before.get(what, 0)) / seconds
            for what, times in after.items()
            if times > before.get(what, 0)
        }

    def _use(self, trip: int, over_hosts: Sequence[int]) -> None:
        used = [
            instance.pk for rows, count in zip(self.rows[trip], over_hosts, strict=True) for instance in rows[:count]
        ]
        with transaction.atomic():
            GpuHost.objects.update(state=GpuHost.State.DRAINING)
            GpuHost.objects.filter(instances__in=used).update(state=GpuHost.State.ACTIVE)
            # Out, with no time to be probed at: nobody brings them back.
            Instance.objects.update(state=Instance.State.OUT, probe_at=None)
            Instance.objects.filter(pk__in=used).update(state=Instance.State.ACTIVE)

    def _settled(self, jobs: Sequence[Job]) -> None:
        wait_for(lambda: all_noted(jobs) and _all_cleaned(jobs), PATIENCE, "attaching and cleaning", every=0.1)

    def _ledgers(self, jobs: Sequence[Job]) -> list[list[Entry]]:
        """What was executed of these, instance by instance; every job must have run once."""
        ours = {str(job.pk) for job in jobs}
        ledgers = [
            [entry for entry in self.house.entries(standin, place) if entry["extra_data"].get("portal_job") in ours]
            for standin in self.house.standins
            for place in range(len(standin.ports))
        ]
        if sum(map(len, ledgers)) != len(jobs):
            raise RuntimeError(f"{len(jobs)} jobs were executed {sum(map(len, ledgers))} times")
        return [ledger for ledger in ledgers if ledger]

    def _run(self, way: str, trip: int, jobs: Sequence[Job], ledgers: Sequence[Sequence[Entry]]) -> dict[str, Any]:
        rows = {str(job.pk): job for job in Job.objects.filter(pk__in=[job.pk for job in jobs])}
        if failed := [job for job in rows.values() if job.state != Job.State.SUCCEEDED]:
            raise RuntimeError(f"{len(failed)} jobs failed, the first: {failed[0].fault} {failed[0].fault_text}")
        entries = [entry for ledger in ledgers for entry in ledger]
        attached = {
            str(job): at for job, at in Candidate.objects.filter(job__in=rows).values_list("job_id", "attached_at")
        }
        return {
            "way": way,
            "round trip ms": trip,
            "instances": len(ledgers),
            "jobs": len(jobs),
            "execution ms": mean_execution(ledgers) * 1000,
            "after ms": _since_end(entries, {pk: job.finished_at for pk, job in rows.items()}),
            "attached ms": _since_end(entries, attached),
            "ready ms": _since_end(entries, {pk: job.noted_at for pk, job in rows.items()}),
        }


def _since_end(entries: Iterable[Entry], moments: dict[str, Any]) -> Spread | None:
    return Spread.of(
        (moments[entry["extra_data"]["portal_job"]].timestamp() - entry["ended"]) * 1000 for entry in entries
    )


def _before(ledgers: Sequence[Sequence[Entry]], committed: dict[str, float]) -> Spread | None:
    return Spread.of(
        (entry["started"] - committed[entry["extra_data"]["portal_job"]]) * 1000
        for ledger in ledgers
        for entry in ledger
    )


def _all_cleaned(jobs: Sequence[Job]) -> bool:
    return not Attempt.objects.filter(job__in=jobs, cleaned_at=None).exists()


def _nobody_drives() -> bool:
    return not GpuHost.objects.exclude(driver=None).exists()
