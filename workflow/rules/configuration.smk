# The checked configuration, completed with defaults; and errors for what Snakemake does not support.
import sys
from pathlib import Path

# Modules in the checkout or the working directory, such as a file torch.py of yours, are not imported.
if workflow.modifier.is_main_snakefile():
    own = (Path.cwd(), Path(workflow.basedir).resolve())
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() not in own]

from snakemake.exceptions import WorkflowError

from transferability.common.errors import InputError
from transferability.runtime.environment import check_environment
from transferability.study.configuration import complete_config

# The directory of this repository, and whether another workflow imports it as a module. If so, `config` comes from that
# workflow, and `workflow` is that workflow, with its own configuration files and directory.
REPOSITORY = Path(str(workflow.current_basedir)).parents[1]
IMPORTED = not workflow.modifier.is_main_snakefile()

if workflow.modifier.modify_path("results") != "results":
    raise WorkflowError(
        f"module {workflow.modifier.namespace}: prefix and replace_prefix given; give results_dir in config instead"
    )
try:
    check_environment(config, REPOSITORY)
except InputError as error:
    raise WorkflowError(f"{error}")
try:
    if IMPORTED:
        remarks = complete_config(config, [], elsewhere=f"config of module {workflow.modifier.namespace}")
    else:
        given = workflow.config_settings  # with --configfile and --config, which override the files that rules name
        files = [*workflow.configfiles[len(given.configfiles) :], *given.configfiles]
        remarks = complete_config(config, list(map(Path, files)), command_line=given.config)
except InputError as error:
    raise WorkflowError(f"the configuration is wrong\n{error}")
