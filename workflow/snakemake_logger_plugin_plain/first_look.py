"""Check the configuration files before Snakemake reads them: it would run the Python in a template."""

import io
import sys
from contextlib import redirect_stderr
from pathlib import Path

from snakemake.cli import parse_args

from transferability.common.errors import InputError
from transferability.study.config_file import read_config_file


def check_configuration_files() -> None:
    """End this process with an error if a file of --configfile is not plain data."""
    try:
        for file in _configuration_files():
            if file.exists():  # Snakemake reports missing files
                read_config_file(file)
    except InputError as error:
        sys.exit(f"the configuration is wrong\n{error}")


def _configuration_files() -> list[Path]:
    """The files of the command line and of profiles, as found by Snakemake itself."""
    try:
        with redirect_stderr(io.StringIO()):
            return parse_args(sys.argv[1:])[1].configfile
    except SystemExit:  # called from another program, whose command line is not Snakemake's
        return []
