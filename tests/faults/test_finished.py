"""Finished networks are put back whatever starts a job again, what differs is trained, passing errors cost nothing."""

import errno
import os
import time

import pytest
import torch

from tests.faults.conftest import Study, held, small_disk
from transferability.common.errors import InputError
from transferability.jobs.provenance import read_provenance
from transferability.results.accuracies import collect
from transferability.runtime import checkpoints as state

IN_PLACE = "is finished with this recipe, code and data: restored, not trained again"


def trained(study: Study, name: str) -> int:
    """How many times a network was trained, from scratch or on from a state."""
    return study.log(name).count("training, 24 validation images")


@pytest.mark.parametrize("name", ["baseA", "A3B+"])
def test_a_job_that_starts_again_finds_what_it_would_train(study, undisturbed, table, name):
    assert study.run(name) == 0
    study.delete(name)
    assert study.run(name) == 0
    assert study.results(name) == undisturbed.results(name)
    assert trained(study, name) == 1 and IN_PLACE in study.log(name)
    outcome = "put back without training: same bytes"
    table.append((f"{name} started again", "finished, its files deleted as Snakemake does before a job", outcome))


def test_a_setting_changed_and_changed_back(study, undisturbed, table):
    for rate in (0.01, 0.02, 0.01):
        study.delete("A3B+")
        assert study.run("A3B+", learning_rate=rate) == 0
    assert study.results("A3B+") == undisturbed.results("A3B+")
    assert trained(study, "A3B+") == 2
    outcome = "trained for each setting once, then put back: same bytes"
    table.append(("configuration changed and changed back", "another rate, a run, the first rate again", outcome))


def test_states_of_two_settings_do_not_touch_each_other(study, undisturbed, table):
    process = study.start("A3B+", before=held())
    first = study.wait_for_state("A3B+")
    process.kill()
    process.join()
    process = study.start("A3B+", before=held(), learning_rate=0.02)
    while len(study.states("A3B+")) < 2:
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    assert first.exists()
    assert study.run("A3B+") == 0
    assert "resumed at iteration" in study.log("A3B+")
    assert study.results("A3B+") == undisturbed.results("A3B+")
    outcome = "each resumes from its own state: same bytes"
    table.append(("unfinished under two settings", "killed, another rate, killed, the first again", outcome))


@pytest.mark.parametrize("damage", ["truncated", "bit flipped"])
def test_what_is_kept_and_damaged_is_trained_again(study, undisturbed, table, damage):
    assert study.run("baseA") == 0
    kept = study.kept("baseA").weights
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(bytes(content) if damage == "bit flipped" else bytes(content[:-10]))
    study.delete("baseA")
    assert study.run("baseA") == 0
    assert "it is not restored" in study.log("baseA") and trained(study, "baseA") == 2
    assert study.results("baseA") == undisturbed.results("baseA")
    table.append((f"finished weights {damage}", "where they are kept", "not put back, trained again: same bytes"))


DAMAGED = {"emptied": "", "truncated": '{"started": "2026', "forged": '{"host": "evil"}'}


@pytest.mark.parametrize("how", DAMAGED)
def test_provenance_that_is_damaged_is_no_reason_to_train(study, undisturbed, table, how):
    assert study.run("A3B+") == 0
    study.kept("A3B+").provenance.write_text(DAMAGED[how])
    study.delete("A3B+")
    assert study.run("A3B+") == 0
    assert IN_PLACE in study.log("A3B+") and trained(study, "A3B+") == 1
    assert study.results("A3B+") == undisturbed.results("A3B+")
    told = read_provenance(study.products("A3B+").provenance)
    assert told["host"] is None and told["fingerprint"] == study.mark("A3B+")
    table.append((f"provenance {how}", "where it is kept", "from then on not known; nothing is trained: same bytes"))


PASSING = {
    "stale file handle": lambda: OSError(errno.ESTALE, os.strerror(errno.ESTALE)),
    "input/output error": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "no memory": MemoryError,
    "torch has no memory": lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:119] can't allocate memory"),
}


@pytest.mark.parametrize("kind", PASSING)
def test_a_passing_error_while_a_state_is_read_is_no_damage(study, undisturbed, table, kind):
    process = study.start("A3B+", before=held())
    study.wait_for_state("A3B+", ".previous")
    process.kill()
    process.join()

    def failing():
        def refuse(*_, **__):
            raise PASSING[kind]()

        if "torch" in kind:
            torch.load = refuse
        else:
            state._load = refuse

    assert study.run("A3B+", before=failing) == 1
    log = study.log("A3B+")
    assert "run again" in log and "damaged" not in log and "Traceback" not in log
    assert study.run("A3B+") == 0
    assert "resumed at iteration" in study.log("A3B+")
    assert study.results("A3B+") == undisturbed.results("A3B+")
    outcome = "an error that says so, the state stays; the next run resumes: same bytes"
    table.append((f"state not readable: {kind}", "while it is read", outcome))


INPUTS = ["baseA.safetensors", "store.npy", "store.crc32.npy", "store.json", "manifest.csv", "index.csv"]


@pytest.mark.parametrize("file", [*INPUTS, "manifest.csv.sha256"])
def test_files_of_another_user(study, table, file):
    """An input that may not be read is not damaged: its owner would not like it deleted."""
    (study.root / file).chmod(0)

    def as_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    if os.getuid():
        pytest.skip("needs root, to become another user")
    for folder in (study.root, *study.root.parents[:3]):  # pytest's are for root alone
        folder.chmod(0o777)
    assert study.run("A3B+", before=as_nobody) == 1
    log = study.log("A3B+")
    assert "Permission denied" in log and file in log and "make it readable" in log
    assert "damaged" not in log and "delete" not in log and "Traceback" not in log
    table.append((f"{file} of another user", "its mode 000", "an error that names file, reason and remedy"))


@pytest.mark.parametrize("file", INPUTS)
def test_files_that_are_not_there(study, table, file):
    (study.root / file).unlink()
    assert study.run("A3B+") == 1
    log = study.log("A3B+")
    assert "No such file or directory" in log and file in log and "if the study makes it, run again" in log
    assert "damaged" not in log and "Traceback" not in log
    table.append((f"{file} not there", "before a run", "an error that names it and says to run again"))


def test_a_stale_accuracy_file_is_not_collected(study, table):
    """As a job leaves it that ended under other settings when its snakemake was gone."""
    assert study.run("A3B+", learning_rate=0.02) == 0
    file = study.products("A3B+").accuracy
    with pytest.raises(InputError, match=r"1 of 1 networks were trained by other code, settings or data .*A3B\+\.json"):
        collect({file: study.mark("A3B+")}, set())
    outcome = "an error that names the files and says to delete them"
    table.append(("accuracy file of other settings", "in the place of this study's", outcome))


def test_files_put_back_twice_leave_nothing(study):
    """Renaming a hard link to another of the same file does nothing, and would leave the first."""
    assert study.run("A3B+") == 0
    assert study.run("A3B+") == 0
    assert not list(study.root.glob("*.unfinished"))


def test_the_mean_image_is_computed_once(study, table):
    assert study.run("baseA") == 0
    study.forget("baseA")
    assert study.run("baseA") == 0
    assert study.log("baseA").count("computing the mean of 72 images") == 1
    [mean] = (study.root / "state" / "means").iterdir()
    mean.write_bytes(mean.read_bytes()[:-5])
    before = study.results("baseA")
    study.forget("baseA")
    assert study.run("baseA") == 0
    assert "damaged" in study.log("baseA") and study.log("baseA").count("computing the mean of 72 images") == 1
    assert study.results("baseA") == before
    table.append(("kept mean image truncated", "between two runs", "a warning, computed again: same bytes"))


def test_a_full_disk_while_finished_files_are_written(study, undisturbed, table):
    """Only the directory of states has room: the results are kept there, and put in place when there is room."""
    with small_disk(study.root / "small", 1) as disk:
        products = study.products

        def on_small_disk(name):
            return type(products(name))(disk / "A3B+.json", disk / "A3B+.provenance.json")

        study.products = on_small_disk
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"0" * 4096)
            except OSError:
                pass
        assert study.run("A3B+") == 1
        assert "No space left on device" in study.log("A3B+") and "free disk space" in study.log("A3B+")
        filler.unlink()
        assert study.run("A3B+") == 0
        assert trained(study, "A3B+") == 1
        assert study.results("A3B+") == undisturbed.results("A3B+")[:1]
    outcome = "an error that says so; the next run puts the finished network in place: same bytes"
    table.append(("disk full at the end", "no room for the accuracy file", outcome))
