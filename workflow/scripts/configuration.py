"""Write the configuration of this study, merged from defaults, files and the command line."""

from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.results.configuration import as_yaml, configuration_page
from transferability.runtime.script import script


@script
def main(job):
    write_text(Path(job.output.yaml), as_yaml(job.params.config))
    configuration_page(job.params.config, Path(job.output.html))
