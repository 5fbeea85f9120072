import logging
import os
import signal
import time

import pytest
import torch

from transferability.common.errors import StoppedError
from transferability.runtime.checkpoints import Checkpointer, load_checkpoint, save_checkpoint
from transferability.runtime.stopping import RESERVE


class FakeTrainer:
    """What a Checkpointer needs of a Trainer."""

    name, iteration = "random-0/A3B", 7

    def state(self):
        return {"iteration": self.iteration, "weights": torch.arange(5.0)}


def test_a_state_comes_back_as_it_was(tmp_path):
    path = tmp_path / "random-0" / "A3B+.pt"
    save_checkpoint(path, FakeTrainer().state() | {"mark": "mark"})
    state = load_checkpoint(path, "mark")
    assert state["iteration"] == 7
    assert torch.equal(state["weights"], torch.arange(5.0))
    assert [file.name for file in path.parent.iterdir()] == ["A3B+.pt"]
    save_checkpoint(path, FakeTrainer().state() | {"mark": "mark", "iteration": 8})
    assert load_checkpoint(path, "mark")["iteration"] == 8
    path.unlink()
    assert load_checkpoint(path, "mark")["iteration"] == 7
    assert load_checkpoint(tmp_path / "none.pt", "mark") is None


@pytest.mark.parametrize("damage", ["foreign", "truncated", "bit flipped", "empty", "no mark", "pickle"])
def test_a_damaged_or_foreign_state_is_passed_over_with_a_warning(tmp_path, damage, caplog):
    path = tmp_path / "A3B.pt"
    save_checkpoint(path, FakeTrainer().state() | {"mark": "mark"})
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "no mark":
        path.unlink()
        save_checkpoint(path, FakeTrainer().state())
    elif damage == "bit flipped":
        at = content.index(torch.arange(5.0).numpy().tobytes()) + 11
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    elif damage == "pickle":
        torch.save({"mark": "mark", "run": Exploit(tmp_path)}, path)
    with caplog.at_level(logging.WARNING):
        assert load_checkpoint(path, "another" if damage == "foreign" else "mark") is None
    assert "not resuming from" in caplog.text
    assert sorted(file.name for file in tmp_path.iterdir()) == ["A3B.pt"], "the pickle was executed"
    keeper = Checkpointer(path, "mark", seconds=0)
    keeper.on_iteration(FakeTrainer())
    assert load_checkpoint(path, "mark")["iteration"] == 7
    keeper.remove()
    assert list(tmp_path.iterdir()) == []


class Exploit:
    """A pickle that would run code when it is loaded."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder / "executed"),)


def test_a_damaged_state_gives_way_to_the_one_before(tmp_path, caplog):
    path = tmp_path / "A3B.pt"
    for iteration in (7, 8):
        save_checkpoint(path, {"iteration": iteration, "mark": "mark"})
    path.write_bytes(path.read_bytes()[:-10])
    assert load_checkpoint(path, "mark")["iteration"] == 7
    assert f"not resuming from {path}: " in caplog.text


def test_a_state_that_cannot_be_saved_does_not_end_the_training(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way of a directory")
    keeper = Checkpointer(tmp_path / "file" / "A3B.pt", "mark", seconds=0)
    keeper.on_iteration(FakeTrainer())
    assert "random-0/A3B: cannot save the state" in caplog.text


def test_a_job_stops_before_its_walltime_is_over(tmp_path):
    keeper = Checkpointer(tmp_path / "A3B.pt", "mark", seconds=3600, deadline=time.monotonic() + RESERVE + 60)
    keeper.on_iteration(FakeTrainer())
    keeper = Checkpointer(tmp_path / "A3B.pt", "mark", seconds=3600, deadline=time.monotonic() + RESERVE)
    with pytest.raises(StoppedError, match="stopped before its walltime is over at iteration 7; run again to resume"):
        keeper.on_iteration(FakeTrainer())
    assert load_checkpoint(tmp_path / "A3B.pt", "mark")["iteration"] == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_state_and_stops(tmp_path, number):
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        keeper = Checkpointer(tmp_path / "A3B.pt", "mark", seconds=3600)
        assert keeper.saved() is None
        keeper.on_iteration(FakeTrainer())
        assert not (tmp_path / "A3B.pt").exists()
        os.kill(os.getpid(), number)
        with pytest.raises(StoppedError, match="iteration 7; run again to resume"):
            keeper.on_iteration(FakeTrainer())
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    assert load_checkpoint(tmp_path / "A3B.pt", "mark")["iteration"] == 7
