"""`python -m snakemake`, which asks after its Slurm jobs every second.

Its plugin for Slurm waits 10 s longer after every answer without news, up to three minutes.
"""

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda _: 1, lambda _, seconds: None)

if __name__ == "__main__":
    main()
