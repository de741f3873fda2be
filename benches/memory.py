"""What the processes hold that drive the fleet."""

import psutil


def of_drivers() -> dict[str, dict[str, float]]:
    """PSS counts a page shared by n processes as 1/n in each, so sums are true; RSS counts it whole every time."""
    workers = [child for child in psutil.Process().children() if child.cmdline()[-2:] == ["rqworker", "gpu"]]
    horses = [horse for worker in workers for horse in worker.children()]
    groups = {"gpu workers": workers, "their horses (the drivers)": horses, "together": workers + horses}
    return {name: _sum(processes) for name, processes in groups.items()}


def _sum(processes: list[psutil.Process]) -> dict[str, float]:
    used = [process.memory_full_info() for process in processes]
    return {
        "processes": len(used),
        "pss MB": sum(each.pss for each in used) / 1e6,
        "rss MB": sum(each.rss for each in used) / 1e6,
    }
