"""What the processes that drive the fleet hold and spend."""

import psutil


def memory() -> dict[str, dict[str, float]]:
    """PSS counts a page shared by n processes as 1/n in each, so sums are true; RSS counts it whole every time."""
    workers = _workers()
    horses = _horses(workers)
    groups = {"gpu workers": workers, "their horses (the drivers)": horses, "together": workers + horses}
    return {name: _sum(processes) for name, processes in groups.items()}


def cpu_seconds() -> float:
    """Spent so far by the workers and horses that live now."""
    workers = _workers()
    spent = [process.cpu_times() for process in workers + _horses(workers)]
    return sum(each.user + each.system for each in spent)


def _workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.cmdline()[-2:] == ["rqworker", "gpu"]]


def _horses(workers: list[psutil.Process]) -> list[psutil.Process]:
    return [horse for worker in workers for horse in worker.children()]


def _sum(processes: list[psutil.Process]) -> dict[str, float]:
    used = [process.memory_full_info() for process in processes]
    return {
        "processes": len(used),
        "pss MB": sum(each.pss for each in used) / 1e6,
        "rss MB": sum(each.rss for each in used) / 1e6,
    }
