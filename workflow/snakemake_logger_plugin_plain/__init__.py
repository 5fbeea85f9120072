"""Snakemake's console for a person (`logger: plain` in profiles/default): a line per finished network, errors last.

On a terminal there is a progress bar for each rule that trains. Elsewhere (a file, cron, Slurm, CI) there are only
lines, and never a control character. snakemake-logger-plugin-rich 0.5.1 cannot serve: it prints the whole log of every
failed job when it fails, also after Ctrl-C, and no setting switches that off; it has neither a time left nor a line per
network.

Snakemake's own messages are in its log under .snakemake/log. If you ask for a dry run, or for more or less than usual
(--verbose, --printshellcmds, --debug-dag, --quiet), you get Snakemake's own console.
"""

import logging
import sys
from pathlib import Path
from types import TracebackType

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_plain.bars import Bars
from snakemake_logger_plugin_plain.first_look import check_configuration_files
from snakemake_logger_plugin_plain.mistakes import explain
from transferability.jobs.console import Job, Run

# What Snakemake says of itself, by how it begins.
NOISE = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Complete log(s)",
    "Conda environments: ignored",
    "Config file config/config.yaml is extended",
    "Elapsed time",
    "Execute ",
    "Falling back to",
    "Job ",  # has been submitted with SLURM jobid
    "SLURM run ID",
    "Select jobs to execute",
    "Shutting down",
    "Submitted ",  # array job
    "Trying to restart job",
    "Using shell",
    "host: ",
)
# Errors of its own that say no more than that a job failed, which has a line already. No other error is noise.
NOISE_OF_ERRORS = (
    "Exiting because a job execution failed. Look above for error messages",
    "RuleException:\nCalledProcessError in file ",
    "WorkflowError:\nAt least one job did not complete successfully.",
)
INTERRUPTED = "Terminating processes on user request"
TERMINATED = "Will exit after finishing currently running jobs"


class LogHandler(LogHandlerBase):
    """Writes what a `Run` says of Snakemake's records to the stream that Snakemake's own handler would use."""

    has_filter = True
    has_formatter = True
    needs_rulegraph = False
    writes_to_file = False

    def __post_init__(self) -> None:
        check_configuration_files()  # as soon as Snakemake starts a logger, it reads them
        settings = self.common_settings
        quiet_or_not = settings.quiet or settings.verbose or settings.printshellcmds or settings.debug_dag
        self._serves = not (settings.dryrun or quiet_or_not)
        self._run = Run()
        self._rules: set[str] = set()  # that train, of this workflow
        self._bars = Bars(sys.stdout if settings.stdout else sys.stderr)
        self._events = {
            LogEvent.JOB_INFO: self._start,
            LogEvent.JOB_FINISHED: self._finish,
            LogEvent.JOB_ERROR: self._fail,
            LogEvent.ERROR: self._error,
            None: self._message,
        }
        if self._serves:
            sys.excepthook = self._uncaught

    @property
    def writes_to_stream(self) -> bool:
        """Whether this handler stands in for Snakemake's own."""
        return self._serves

    def emit(self, record: logging.LogRecord) -> None:
        """Write what is worth a line."""
        handle = self._events.get(getattr(record, "event", None))
        if not self._serves:
            handle = self._explain  # beside what Snakemake's own console says
        if not handle:
            return
        try:
            if line := handle(record):
                self._bars.write(line)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Write how the run ended, after everything else that Snakemake says. It calls this more than once."""
        self._bars.stop()
        if self._serves:
            for line in self._run.end():
                self._bars.write(line)
        self._serves = False
        super().close()

    def _uncaught(self, kind: type, error: BaseException, trace: TracebackType | None) -> None:
        """Ctrl-C before jobs start, or a second one, needs no traceback."""
        if not issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        elif not self._run.stopped:
            self._bars.write("stopped")

    def _start(self, record: logging.LogRecord) -> str:
        trains = record.rule_name in self._rules
        paths = [Path(path) for path in record.output if trains]
        job = Job(
            rule=record.rule_name,
            wildcards=record.wildcards,
            log=next(map(Path, record.log), None),
            accuracy=next((path for path in paths if path.parent.parent.name == "accuracy"), None),
        )
        if job.trains:
            self._bars.start(record.jobid, job.rule)
        line = self._run.start(record.jobid, job, record.created)
        return "" if not job.log else record.rule_msg or line  # rule all has no log

    def _finish(self, record: logging.LogRecord) -> str:
        self._bars.finish(record.job_id)
        return self._run.finish(record.job_id, record.created)

    def _fail(self, record: logging.LogRecord) -> str:
        return self._run.fail(record.jobid, record.rule_msg or "")

    def _explain(self, record: logging.LogRecord) -> str:
        return explain(record.getMessage(), sys.argv[1:]) if record.levelno >= logging.ERROR else ""

    def _error(self, record: logging.LogRecord) -> str:
        message = self._message(record)
        if not message or not self._run.begun:
            return message
        self._run.errors.append(message)  # for the end
        return ""

    def _message(self, record: logging.LogRecord) -> str:
        if hasattr(record, "networks"):  # from workflow/rules/hooks.smk
            self._run.plan(*record.networks)
            self._bars.plan(record.rules)
            self._rules |= record.rules.keys()
        message = record.getMessage()
        if message.startswith((INTERRUPTED, TERMINATED)):
            again, self._run.stopped = self._run.stopped, True
            saved = "stopping; what runs saves its state"
            return (
                "" if again else saved if message.startswith(INTERRUPTED) else "stopping; what runs is finished first"
            )
        if record.levelno >= logging.ERROR:
            if explained := self._explain(record):
                return explained
            return "" if message.startswith(NOISE_OF_ERRORS) else message
        return "" if message.startswith(NOISE) or message == "None" else message
