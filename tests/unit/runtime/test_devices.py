"""Stand-in devices shared by processes that come, go and die."""

import multiprocessing
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from transferability.common.errors import InputError
from transferability.runtime.devices import leased_device
from transferability.runtime.locks import file_lock

DEVICES = ["GPU-one", "GPU-two"]
fork = multiprocessing.get_context("fork")


def hold(directory: Path, jobs_per_device: int) -> None:
    devices = [f"{directory}/{device}" for device in DEVICES]  # of this test's own
    with leased_device(devices, jobs_per_device) as place:
        (directory / f"{os.getpid()}.has").write_text(str(place))
        time.sleep(60)


class Jobs:
    """Processes that each lease a device and keep it until they are killed."""

    def __init__(self, directory: Path, jobs_per_device: int):
        self.arguments, self.processes = (directory, jobs_per_device), []

    def start(self, count: int) -> None:
        for _ in range(count):
            self.processes.append(fork.Process(target=hold, args=self.arguments))
            self.processes[-1].start()

    def places(self, count: int) -> dict[int, int]:
        """Which process has which device, once `count` have one."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            files = [file for file in self.arguments[0].glob("*.has") if file.read_text()]
            if len(files) >= count:
                break
            time.sleep(0.05)
        return {int(file.stem): int(file.read_text()) for file in files}

    def kill(self, process: int) -> None:
        os.kill(process, signal.SIGKILL)
        (self.arguments[0] / f"{process}.has").unlink()


@pytest.fixture(params=[1, 2])
def jobs(request, tmp_path):
    crowd = Jobs(tmp_path, request.param)
    yield crowd
    for process in crowd.processes:
        process.kill()
        process.join()


def test_devices_are_shared_evenly_and_whoever_finds_none_waits(jobs):
    seats = len(DEVICES) * jobs.arguments[1]
    jobs.start(seats + 1)
    places = jobs.places(seats)
    assert sorted(places.values()) == sorted(list(range(len(DEVICES))) * jobs.arguments[1])
    time.sleep(1.2)
    assert len(jobs.places(seats)) == seats  # one waits
    process, place = next(iter(places.items()))
    jobs.kill(process)  # the kernel lets go of what a dead process held
    after = jobs.places(seats)
    assert [after[new] for new in set(after) - set(places)] == [place]


def test_one_job_after_the_other_takes_the_least_used_device(jobs):
    for count in (1, 2):
        jobs.start(1)
        places = jobs.places(count)
    assert sorted(places.values()) == [0, 1]


def planted(name: str, listens: bool, ready) -> None:
    """Another user's process that takes a seat and keeps it."""
    os.setuid(65534)
    seat = socket.socket(socket.AF_UNIX)
    seat.bind(f"\0transferability/{name}.0")
    if listens:
        seat.listen()
    ready.set()
    time.sleep(60)


@pytest.mark.parametrize("listens", [True, False])
def test_a_device_that_another_user_keeps_is_given_up_with_his_name(tmp_path, monkeypatch, caplog, listens):
    if os.getuid():
        pytest.skip("needs root, to become another user")
    ready, device = fork.Event(), f"{tmp_path}/GPU"
    holder = fork.Process(target=planted, args=(device, listens, ready), daemon=True)
    holder.start()
    assert ready.wait(60)
    monkeypatch.setattr("transferability.runtime.devices.PATIENCE", 1.0)
    who = f"process {holder.pid} of nobody" if listens else "an unknown process"
    caplog.set_level("INFO")
    with (
        pytest.raises(InputError, match="ask their users to end these processes, exclude their GPUs") as error,
        leased_device([device], 1, ends_after(20)),
    ):
        pass
    assert f"{device}.0 (by {who})" in str(error.value)
    assert f"waiting for a device: in use are {device}.0 (by {who})" in caplog.text
    holder.kill()


def ends_after(seconds: float):
    deadline = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > deadline:
            raise TimeoutError

    return check


def test_for_jobs_of_ones_own_a_job_waits_on(tmp_path, monkeypatch):
    monkeypatch.setattr("transferability.runtime.devices.PATIENCE", 0.0)
    device = [f"{tmp_path}/GPU"]
    with leased_device(device, 1), pytest.raises(TimeoutError), leased_device(device, 1, ends_after(2)):
        pass


def test_a_network_is_trained_by_one_process_at_a_time(tmp_path):
    path, order = tmp_path / "state" / "A3B.lock", tmp_path / "order"

    def train(name: str, seconds: float) -> None:
        with file_lock(path, "works"), order.open("a") as file:
            file.write(f"{name} begins\n")
            file.flush()
            time.sleep(seconds)
            file.write(f"{name} ends\n")

    first = fork.Process(target=train, args=("first", 1))
    first.start()
    while not (order.exists() and order.read_text()):
        time.sleep(0.05)
    second = fork.Process(target=train, args=("second", 0))
    second.start()
    for process in (first, second):
        process.join(60)
    assert order.read_text().splitlines() == ["first begins", "first ends", "second begins", "second ends"]
    assert not path.exists()
