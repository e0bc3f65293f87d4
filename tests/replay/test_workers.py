"""Jobs over processes: same answers for any number, one failure stops nothing. Ids workers-*."""

from __future__ import annotations

import os

import pytest
from tests.replay.scripts import Squares

from seawall.errors import InputError
from seawall.replay.workers import Failure, run_jobs

JOBS = [(n, n // 3) for n in range(7)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_001_the_same_results_for_any_number(workers):
    made: list[int] = []
    done = run_jobs(Squares(), JOBS, lambda key: made.append(key) or 100 * key, workers=workers)
    expected = {n: n * n + 100 * (n // 3) for n in range(7)}
    assert {n: r[0] for n, r in done.results.items()} == expected
    assert not done.interrupted
    assert made == [0, 1, 2], "jobs that share material stand together: it is made once"
    where = {pid for _, pid in done.results.values()}
    assert (where == {os.getpid()}) == (workers == 1)
    assert len(where) <= workers


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_002_a_failing_job_is_a_value_and_says_whose_fault(workers):
    jobs = [(job, 0) for job in (2, "bug", "bad", 3)]
    done = run_jobs(Squares(), jobs, lambda key: 0, workers=workers)
    assert (done.results[0][0], done.results[3][0]) == (4, 9)
    bug, bad = done.results[1], done.results[2]
    assert isinstance(bug, Failure)
    assert (bug.error, bug.problem, bug.ours) == ("ZeroDivisionError", "of our own", True)
    assert "scripts.py" in bug.trace
    assert (bad.error, bad.ours) == ("InputError", False)
    assert "bad job" in bad.problem


def test_workers_003_a_worker_that_dies_fails_its_job_only():
    done = run_jobs(Squares(), [(job, 0) for job in (1, "die", 2, 3, "die", 4)], lambda key: 0, workers=2)
    kinds = [r.error if isinstance(r, Failure) else r[0] for _, r in sorted(done.results.items())]
    assert kinds == [1, "WorkerDied", 4, 9, "WorkerDied", 16]
    assert "code 9" in done.results[1].problem


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_004_material_that_cannot_be_made_fails_its_jobs_only(workers):
    def make(key):
        if key == "none":
            raise InputError("no such book")
        return 0

    done = run_jobs(Squares(), [(1, "none"), (2, "some"), (3, "none")], make, workers=workers)
    assert [isinstance(done.results[n], Failure) for n in range(3)] == [True, False, True]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_005_steps_end_with_every_job_done(workers):
    told: dict[int, tuple[int, int]] = {}
    run_jobs(
        Squares(), JOBS, lambda key: 0, workers=workers, steps=lambda n, done, whole: told.update({n: (done, whole)})
    )
    assert told == dict.fromkeys(range(7), (1, 1))


def test_workers_006_no_workers_is_refused():
    with pytest.raises(InputError, match="workers"):
        run_jobs(Squares(), JOBS, lambda key: 0, workers=0)
