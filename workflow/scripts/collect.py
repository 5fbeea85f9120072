"""Gather the accuracies of an experiment's networks in tables: by network, and by class."""

from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.logs import job_log
from transferability.jobs.recipe import check_sources, mark_of, recipe_of, source_of
from transferability.results.accuracies import collect
from transferability.study.grid import experiments

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        config, results = snakemake.config, Path(snakemake.config["results_dir"])
        code = snakemake.params.training_code
        networks = experiments(config)[snakemake.wildcards.experiment]
        sources = {network: source_of(results, network) for network in networks}
        check_sources(set(sources.values()))
        expected = {
            results / "accuracy" / network.split / f"{network.name}.json": mark_of(
                recipe_of(config, network, code), source
            )
            for network, source in sources.items()
        }
        accuracy, by_class = collect(expected)
        write_text(Path(snakemake.output.accuracy), accuracy.to_csv(index=False))
        write_text(Path(snakemake.output.by_class), by_class.to_csv(index=False))
