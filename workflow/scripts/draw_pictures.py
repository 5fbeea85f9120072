"""Draw the built-in image set."""

from pathlib import Path

from transferability.datasets.pictures import write_pictures
from transferability.runtime.locks import file_lock
from transferability.runtime.script import script


@script
def main(job):
    pictures = job.params.pictures
    with file_lock(Path(job.config["results_dir"], "state", "pictures.lock"), "draws pictures here"):
        write_pictures(
            root=Path(job.output.root),
            classes=pictures["classes"],
            per_class={"train": pictures["train"], "val": pictures["val"]},
            size=job.params.size,
            seed=job.params.seed,
            processes=job.threads,
        )
