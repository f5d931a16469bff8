"""Makespans that are known by construction."""

import pytest

from mechanics.benchmark.schedule import Job, critical_path, makespan, remaining_seconds


def job(seconds: float, *needs: str, cores: int = 1) -> Job:
    return Job(float(seconds), frozenset(needs), cores)


CHAIN = {"a": job(3), "b": job(4, "a"), "c": job(5, "b")}
FORK_JOIN = {"fork": job(1), "join": job(2, "x0", "x1", "x2", "x3")}
FORK_JOIN |= {f"x{i}": job(6, "fork") for i in range(4)}


@pytest.mark.parametrize("n_cores", [1, 2, 64])
def test_a_chain_takes_its_sum_on_any_number_of_cores(n_cores):
    assert makespan(CHAIN, n_cores) == 12
    assert critical_path(CHAIN) == ["a", "b", "c"]


@pytest.mark.parametrize(("n_cores", "expected"), [(1, 24), (2, 12), (3, 9), (8, 3), (64, 3)])
def test_equal_independent_jobs_run_in_rounds(n_cores, expected):
    assert makespan({str(i): job(3) for i in range(8)}, n_cores) == expected


@pytest.mark.parametrize(("n_cores", "expected"), [(1, 27), (2, 15), (3, 15), (4, 9), (5, 9)])
def test_fork_and_join_wait_for_the_slowest(n_cores, expected):
    assert makespan(FORK_JOIN, n_cores) == expected


def test_the_longest_remaining_path_goes_first():
    """The chain of 1 + 9 must start before the longer job of 5, or two cores need 14."""
    jobs = {"head": job(1), "tail": job(9, "head"), "long": job(5), "other": job(5)}
    assert makespan(jobs, 2) == 10
    assert remaining_seconds(jobs) == {"head": 10, "tail": 9, "long": 5, "other": 5}


def test_jobs_that_end_together_are_all_seen_before_the_next_starts():
    """At 2 both a and b end: the two jobs that b sets free go before the light one of a."""
    jobs = {"a": job(2), "b": job(2), "light": job(1, "a"), "join": job(4, "left", "right")}
    jobs |= {"left": job(8, "b"), "right": job(8, "b")}
    assert makespan(jobs, 2) == 2 + 8 + 4


def test_a_job_of_many_cores_waits_for_them_and_gets_what_there_is():
    jobs = {"wide": job(4, cores=2), "narrow": job(3)}
    assert makespan(jobs, 2) == 7
    assert makespan(jobs, 3) == 4
    assert makespan(jobs, 1) == 7


def test_no_jobs_take_no_time():
    assert makespan({}, 4) == 0
    assert critical_path({}) == []


def test_an_unknown_need_and_a_circle_are_named():
    with pytest.raises(ValueError, match="'a' needs 'nowhere', which is no job"):
        makespan({"a": job(1, "nowhere")}, 1)
    with pytest.raises(ValueError, match="cycle"):
        makespan({"a": job(1, "b"), "b": job(1, "a")}, 1)
