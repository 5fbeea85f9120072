# The checked configuration, completed with defaults; and what Snakemake itself cannot do, one error for each.
import json
import sys
from pathlib import Path

# A person's torch.py or safetensors.py in the checkout or the working directory is not what is imported.
if workflow.modifier.is_main_snakefile():
    own = (Path.cwd(), Path(workflow.basedir).resolve())
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() not in own]

from snakemake.exceptions import WorkflowError

from transferability.common.errors import InputError
from transferability.study.configuration import complete_config

# Where this repository is, and whether another workflow imports it, as a module. Then `config` is what that workflow
# gives it, and `workflow` all of the other one: its files of configuration and its directory are not ours.
REPOSITORY = Path(str(workflow.current_basedir)).parents[1]
IMPORTED = not workflow.modifier.is_main_snakefile()

# What Snakemake itself cannot do ends here with one error, not in every job.
if (
    sys.getfilesystemencoding() != "utf-8"
    and not f"{json.dumps(config, ensure_ascii=False, default=str)}{Path.cwd()}".isascii()
):
    raise WorkflowError(
        "the configuration or the path of the working directory has letters beyond ASCII, which snakemake does not read "
        "right in this locale; export PYTHONUTF8=1 and run again"
    )
if any(map(str.isspace, sys.executable)):
    raise WorkflowError(
        f"snakemake cannot run jobs with a Python in a path with spaces: {sys.executable}; move the checkout (or the "
        "environment) to a path without, and set it up again there"
    )
if set("{}") & set(str(REPOSITORY)):
    raise WorkflowError(
        f"snakemake takes braces in the path of a checkout for wildcards: {REPOSITORY}; move it to a path without"
    )
if workflow.modifier.modify_path("results") != "results":
    raise WorkflowError(
        f"module {workflow.modifier.namespace}: prefix and replace_prefix given; give results_dir in config instead"
    )
try:
    if IMPORTED:
        complete_config(config, [], elsewhere=f"config of module {workflow.modifier.namespace}")
    else:
        given = workflow.config_settings  # with --configfile and --config, which override the files that rules name
        files = [*workflow.configfiles[len(given.configfiles) :], *given.configfiles]
        complete_config(config, list(map(Path, files)), command_line=given.config)
except InputError as error:
    raise WorkflowError(f"the configuration is wrong\n{error}")
