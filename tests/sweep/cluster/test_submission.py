"""Following a job: every part of its log once, whatever the connection does, and how it ended."""

from collections.abc import AsyncIterator

import pytest
from ray.job_submission import JobDetails, JobStatus, JobType

from nemesis_sweep.sweep.cluster import submission
from nemesis_sweep.sweep.cluster.submission import exit_code, follow


def details(status: JobStatus, code: int | None = None) -> JobDetails:
    return JobDetails(type=JobType.SUBMISSION, status=status, entrypoint="", driver_exit_code=code)


class Client:
    """A job whose log is streamed in parts, by one connection after the other; None breaks a connection."""

    def __init__(self, connections: list[list[str | None]], end: JobDetails) -> None:
        self.connections = connections
        self.end = end

    async def tail_job_logs(self, job: str) -> AsyncIterator[str]:
        for part in self.connections.pop(0):
            if part is None:
                raise RuntimeError("the connection broke")
            yield part

    def get_job_info(self, job: str) -> JobDetails:
        return details(JobStatus.RUNNING) if self.connections else self.end


@pytest.mark.parametrize(
    "connections",
    [
        [["one\ntwo\n", "three\n"]],
        [["one\nt", None], ["on", "e\ntwo\nth", None], ["one\ntwo\nthree\n"]],
        [[None], [], ["one\ntwo\nthree\n"]],
        [["one\ntwo\n"], ["one\ntwo\nthree\n"], ["one\n", None]],
    ],
)
def test_each_part_of_the_log_is_written_once(monkeypatch, connections):
    monkeypatch.setattr(submission.time, "sleep", lambda seconds: None)
    end = details(JobStatus.SUCCEEDED, 0)
    written: list[str] = []
    assert follow(Client(connections, end), "job", written.append) is end
    assert "".join(written) == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (details(JobStatus.SUCCEEDED, 0), 0),
        (details(JobStatus.FAILED, 2), 2),
        (details(JobStatus.FAILED, 130), 130),
        (details(JobStatus.FAILED, -9), 1),
        (details(JobStatus.FAILED), 1),
        (details(JobStatus.STOPPED), 130),
    ],
)
def test_a_shell_learns_how_the_job_ended(end, code):
    assert exit_code(end) == code
