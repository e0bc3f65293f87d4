"""Jobs over worker processes: in any number of workers the same answers in the same order.

A worker that dies fails its job and nothing else; an interrupt keeps what is finished.
"""

from __future__ import annotations

import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context
from typing import Any, Protocol

from seawall.errors import InputError
from seawall.replay.interrupt import deferred_interrupt

POLL_S = 0.1
GRACE_S = 2.0
TELL_EVERY_S = 0.1

Tell = Callable[[int, int], None]
Steps = Callable[[int, int, int], None]  # job number, its steps done, its steps in all


class Work(Protocol):
    """What a worker is built from (pickled once per worker) and how it does one job."""

    def begin(self) -> Callable[[Any, Any, Tell], Any]:
        """Called once in each process; gives the function from (job, its material, tell) to the result."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed: name of the error, its text, whether the fault is ours, and where it happened."""

    error: str
    problem: str
    ours: bool
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """Results by job number: a value or a ``Failure``. Jobs that an interrupt left undone have none."""

    results: dict[int, Any]
    interrupted: bool


@dataclass(slots=True)
class _Worker:
    process: Any
    pipe: Any
    job: int | None = None
    material: Any = None


def failure_of(error: Exception) -> Failure:
    """An exception as a value. Bad input is not our fault; everything else is."""
    return Failure(type(error).__name__, str(error), not isinstance(error, InputError), traceback.format_exc())


def run_jobs(
    work: Work,
    jobs: Sequence[tuple[Any, Any]],
    material: Callable[[Any], Any],
    *,
    workers: int = 2,
    steps: Steps | None = None,
) -> Finished:
    """Do every job.

    Args:
        work: how a job is done.
        jobs: (job, key of the material it needs); jobs that share material should stand together.
        material: makes the material of a key, called in this process; the last one made is kept.
        workers: processes; 1: in this process.
        steps: told how far each job is; done equals whole only once its result is here.

    Raises:
        InputError: fewer than one worker.
    """
    if workers < 1:
        raise InputError("bad number of workers", field="workers", value=workers, expected="1 or more")
    steps = steps or (lambda job, done, whole: None)
    kept = _Kept(material)
    with deferred_interrupt() as stopped:
        if min(workers, len(jobs)) <= 1:
            return _here(work, jobs, kept, steps, stopped)
        return _Pool(work, jobs, kept, min(workers, len(jobs)), steps, stopped).run()


class _Kept:
    """The material made last, as a value and pickled once."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self._key: Any = self
        self._value: Any = None
        self._pickled: bytes | None = None

    def value(self, key: Any) -> Any:
        if self._key is self or self._key != key:
            self._value, self._pickled, self._key = self._make(key), None, key
        return self._value

    def pickled(self, key: Any) -> bytes:
        value = self.value(key)
        if self._pickled is None:
            self._pickled = pickle.dumps(value, protocol=5)
        return self._pickled


def _here(
    work: Work, jobs: Sequence[tuple[Any, Any]], kept: _Kept, steps: Steps, stopped: Callable[[], bool]
) -> Finished:
    results: dict[int, Any] = {}
    do = work.begin()
    for number, (job, key) in enumerate(jobs):
        if stopped():
            return Finished(results, True)
        try:
            result = do(job, kept.value(key), lambda done, whole, n=number: steps(n, min(done, whole - 1), whole))  # type: ignore[misc]
        except Exception as error:
            result = failure_of(error)
        if getattr(result, "interrupted", False):  # the run inside took the signal: it is partial, so it is not kept
            return Finished(results, True)
        results[number] = result
        steps(number, 1, 1)
    return Finished(results, False)


class _Pool:
    """Workers on pipes. Not a stock executor: there, one worker that dies breaks all the others' jobs."""

    def __init__(
        self,
        work: Work,
        jobs: Sequence[tuple[Any, Any]],
        kept: _Kept,
        count: int,
        steps: Steps,
        stopped: Callable[[], bool],
    ) -> None:
        self.work, self.jobs, self.kept, self.count = pickle.dumps(work, protocol=5), jobs, kept, count
        self.steps, self.stopped = steps, stopped
        self.results: dict[int, Any] = {}
        self.next = 0
        self.workers: list[_Worker] = []

    def run(self) -> Finished:
        """Until every job has a result or somebody interrupts."""
        try:
            while len(self.results) < len(self.jobs):
                if self.stopped():
                    return Finished(self.results, True)
                self._fill()
                ready = connection.wait([w.pipe for w in self.workers], timeout=POLL_S)
                for worker in [w for w in self.workers if w.pipe in ready]:
                    self._hear(worker)
            return Finished(self.results, False)
        finally:
            self._close()

    def _fill(self) -> None:
        """Give every idle worker a job; start workers while there are jobs for them."""
        while len(self.workers) < self.count and self.next < len(self.jobs):
            self.workers.append(_start(self.work))
            self._give(self.workers[-1])
        for worker in self.workers:
            if worker.job is None and self.next < len(self.jobs):
                self._give(worker)

    def _give(self, worker: _Worker) -> None:
        number = self.next
        job, key = self.jobs[number]
        self.next += 1
        try:
            data = None if worker.material == (key,) else self.kept.pickled(key)
        except Exception as error:  # the material of this job cannot be made: that is this job's failure
            self._keep(number, failure_of(error))
            return
        worker.job = number
        with suppress(BrokenPipeError, ConnectionResetError):  # a worker that is gone is heard of in ``_hear``
            worker.pipe.send((number, job, data))
            worker.material = (key,)

    def _hear(self, worker: _Worker) -> None:
        try:
            kind, number, *rest = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._bury(worker)
            return
        if kind == "steps":
            self.steps(number, *rest)
            return
        worker.job = None
        if getattr(rest[0], "interrupted", False):  # a signal to the whole group reached it first
            self.next = len(self.jobs)
            return
        self._keep(number, rest[0])

    def _keep(self, number: int, result: Any) -> None:
        self.results[number] = result
        self.steps(number, 1, 1)

    def _bury(self, worker: _Worker) -> None:
        worker.process.join(GRACE_S)
        self.workers.remove(worker)
        if worker.job is not None:
            code = worker.process.exitcode
            problem = f"the worker process ended with code {code} (out of memory, or killed)"
            self._keep(worker.job, Failure("WorkerDied", problem, True))

    def _close(self) -> None:
        for worker in self.workers:
            worker.pipe.close()
            if worker.job is not None:
                worker.process.terminate()
        until = time.monotonic() + GRACE_S
        for worker in self.workers:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()


def _start(work: bytes) -> _Worker:
    context = get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, work), daemon=True)
    with _no_main(), _no_interrupts():
        process.start()
    theirs.close()
    return _Worker(process, mine)


@contextmanager
def _no_main() -> Iterator[None]:
    """Spawned workers do not run the caller's script again: nothing they need is in it, and a script of three lines
    has no ``if __name__ == "__main__"``."""
    main = sys.modules["__main__"]
    names = ("__file__", "__spec__")
    saved = {name: getattr(main, name) for name in names if hasattr(main, name)}
    try:
        for name in saved:
            setattr(main, name, None)
        yield
    finally:
        for name, value in saved.items():
            setattr(main, name, value)


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """A process started within it never sees Ctrl-C, not even while it is still importing: the one that started it
    decides. A signal that comes meanwhile is delivered here afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # else the first start would start it, and lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _child(pipe: Any, pickled: bytes) -> None:
    """One worker: jobs come in, steps and results go out, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked
    value: Any = None
    do: Callable[[Any, Any, Tell], Any] | None = None
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            number, job, data = pipe.recv()
            told = 0.0

            def tell(done: int, whole: int, number: int = number) -> None:
                nonlocal told
                if time.monotonic() - told >= TELL_EVERY_S:
                    told = time.monotonic()
                    pipe.send(("steps", number, min(done, whole - 1), whole))

            try:
                do = do or pickle.loads(pickled).begin()
                value = value if data is None else pickle.loads(data)
                result = do(job, value, tell)
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:
                result = failure_of(error)
            pipe.send(("done", number, result))
