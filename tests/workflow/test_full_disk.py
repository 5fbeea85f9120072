"""Figures and tables on a disk that is full: the job's log and what it prints say so, and what would do."""

import subprocess
import sys

import numpy as np
import pytest

from tests.faults.conftest import small_disk
from transferability.common.errors import remedy
from transferability.runtime.logs import last_error

DRAW = """
import shutil, sys
from pathlib import Path
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from transferability.runtime.logs import job_log
from transferability.common.pages import Section, write_pages
from transferability.figures.style import save_figure

output = Path(sys.argv[1])
with job_log(str(output.parent / "job.log")):
    (output.parent / "filler").write_bytes(bytes(shutil.disk_usage(output.parent).free))
    if output.suffix in (".csv", ".md", ".html"):
        table = pd.DataFrame({"network": np.arange(100_000)})
        write_pages(table, [Section("All", "", table)], [output])
    else:
        figure = Figure()
        figure.add_subplot().plot(np.arange(20_000) % 97)
        save_figure(figure, [output])
"""


@pytest.mark.parametrize("suffix", ["csv", "md", "html", "pdf", "png"])
def test_a_full_disk_is_told_in_the_log_and_once_on_the_console(suffix, tmp_path):
    with small_disk(tmp_path / "small", megabytes=2) as disk:
        command = [sys.executable, "-c", DRAW, str(disk / f"output.{suffix}")]
        run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        error = last_error(disk / "job.log")
        assert sorted(path.name for path in disk.iterdir()) == ["filler", "job.log"]
    assert error.startswith(f"[Errno 28] No space left on device: '{disk}/output.{suffix}'; free disk space and run")
    assert run.returncode == 1 and run.stderr == f"error: {error}\n"


def test_a_full_disk_is_known_by_what_numpy_says_of_it(tmp_path):
    with small_disk(tmp_path / "small", megabytes=1) as disk, pytest.raises(OSError) as error:
        np.save(disk / "array.npy", np.zeros(1_000_000))
    assert remedy(error.value).startswith("free disk space and run again")
