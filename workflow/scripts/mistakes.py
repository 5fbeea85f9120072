"""List and show the mistakes of the network that the advice names."""

from pathlib import Path

from transferability.analysis.mistakes import mistakes_of
from transferability.analysis.mistakes_pages import mistakes_sections
from transferability.common.atomic_files import atomic_write
from transferability.common.pages import write_pages
from transferability.common.tables import read_index, read_manifest
from transferability.figures.mistakes import draw_confusion, draw_mistakes
from transferability.figures.style import save_figure
from transferability.results.advised import read_advised
from transferability.results.outcomes import read_outcomes
from transferability.runtime.script import paths, script
from transferability.store.reading import StoreFiles, open_store
from transferability.store.square import Square


@script
def main(job):
    where = StoreFiles(*(Path(job.input[name]) for name in ("index", "store", "checksums", "description")))
    index, arm = read_index(where.index), read_advised(Path(job.input.advice))
    names = read_manifest(Path(job.input.manifest)).set_index("wnid")["name"]
    found = mistakes_of(arm, read_outcomes(paths(job.input.accuracies), index), index)
    store = open_store(where, Square.of(job.config["dataset"]))
    sheets = {Path(job.output.png): found.images, Path(job.output.of_all): found.by_all}
    for path, images in sheets.items():
        with atomic_write(path) as unfinished:
            draw_mistakes(images, store, names).save(unfinished, format="PNG")
    confusion = [Path(job.output.confusion_pdf), Path(job.output.confusion)]
    save_figure(draw_confusion(found.tests, names), confusion)
    sections = mistakes_sections(arm, found, names, confusion[1], *sheets)
    write_pages(found.images, sections, paths([job.output.csv, job.output.md, job.output.html]))
