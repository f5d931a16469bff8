"""How long jobs that need each other take on n cores: a simulation of list scheduling.

Whenever cores are free, the ready job with the longest path still before it starts (Graham 1969,
"Bounds on multiprocessing timing anomalies": at most 2 − 1/n times the shortest schedule).
"""

from collections import defaultdict
from dataclasses import dataclass
from graphlib import TopologicalSorter
from heapq import heapify, heappop, heappush


@dataclass(frozen=True)
class Job:
    """Its seconds, the names of the jobs that must end before it, and the cores it occupies."""

    seconds: float
    needs: frozenset[str] = frozenset()
    cores: int = 1


def makespan(jobs: dict[str, Job], n_cores: int) -> float:
    """Seconds from the first start to the last end on ``n_cores``.

    A job that asks for more cores than there are gets them all, as in Snakemake. Raises ValueError
    if a job needs one that is not there, or itself by way of others.
    """
    left, needed_by = remaining_seconds(jobs), _needed_by(jobs)
    missing = {name: len(job.needs) for name, job in jobs.items()}
    ready = [(-left[name], name) for name, count in missing.items() if not count]
    heapify(ready)
    running: list[tuple[float, str]] = []  # end, name
    clock, free = 0.0, n_cores
    while ready or running:
        too_large = []
        while ready and free:
            entry = heappop(ready)
            cores = min(jobs[entry[1]].cores, n_cores)
            if cores > free:
                too_large.append(entry)
                continue
            free -= cores
            heappush(running, (clock + jobs[entry[1]].seconds, entry[1]))
        for entry in too_large:
            heappush(ready, entry)
        clock = running[0][0]
        while running and running[0][0] == clock:  # all that end now, before others are chosen
            _, name = heappop(running)
            free += min(jobs[name].cores, n_cores)
            for other in needed_by[name]:
                missing[other] -= 1
                if not missing[other]:
                    heappush(ready, (-left[other], other))
    return clock


def critical_path(jobs: dict[str, Job]) -> list[str]:
    """The chain of jobs that takes longest: no number of cores is faster than it.

    Raises ValueError as ``makespan`` does.
    """
    left, needed_by = remaining_seconds(jobs), _needed_by(jobs)
    path: list[str] = []
    following = [name for name, job in jobs.items() if not job.needs]
    while following:
        path.append(max(following, key=left.get))
        following = needed_by[path[-1]]
    return path


def remaining_seconds(jobs: dict[str, Job]) -> dict[str, float]:
    """Seconds of the longest chain that begins with a job, by its name.

    Raises ValueError as ``makespan`` does.
    """
    for name, job in jobs.items():
        if unknown := sorted(job.needs - jobs.keys()):
            raise ValueError(f"job {name!r} needs {unknown[0]!r}, which is no job")
    needed_by, left = _needed_by(jobs), {}
    order = [*TopologicalSorter({name: job.needs for name, job in jobs.items()}).static_order()]
    for name in reversed(order):
        left[name] = jobs[name].seconds + max((left[n] for n in needed_by[name]), default=0.0)
    return left


def _needed_by(jobs: dict[str, Job]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for name, job in jobs.items():
        for need in job.needs:
            found[need].append(name)
    return found
