"""Snakemake's console for a person (`logger: plain` in profiles/default): a line per finished network, errors last.

There are only lines, and never a control character. snakemake-logger-plugin-rich 0.5.1 cannot serve: it prints the
whole log of every failed job, also after Ctrl-C, and has neither a time left nor a line per network.

Warnings and errors are told, whoever has them, and what the workflow says; what Snakemake says of its own work is in
.snakemake/log. In a dry run, and with --verbose, --printshellcmds, --debug-dag or --quiet, you get Snakemake's own.
"""

import logging
import sys
from pathlib import Path

import snakemake
from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_plain.first_look import check_configuration_files
from snakemake_logger_plugin_plain.mistakes import explain
from transferability.monitor.console import Job, Run, step_of
from transferability.runtime.logs import printable

SNAKEMAKE = str(Path(snakemake.__file__).parent)  # what the paths of its code, and of its plugins', begin with
ANSWERS = {"archive", "clean", "lint", "list_resources", "unlock"}  # functions of Snakemake that do what one asks for
# Errors that say no more than that a job failed, which has a line already.
REPEATED = (
    "Exiting because a job execution failed. Look above for error messages",
    "RuleException:\nCalledProcessError in file ",
    "WorkflowError:\nAt least one job did not complete successfully.",
)
STOPS = {
    "Terminating processes on user request": "stopping; what runs saves its state",
    "Will exit after finishing currently running jobs": "stopping; what runs is finished first",
}


class LogHandler(LogHandlerBase):
    """Writes what a `Run` says of Snakemake's records to the stream that Snakemake's own handler would use."""

    has_filter = has_formatter = True
    needs_rulegraph = writes_to_file = False

    def __post_init__(self) -> None:
        check_configuration_files()  # as soon as Snakemake starts a logger, it reads them
        settings = self.common_settings
        quiet_or_not = settings.quiet or settings.verbose or settings.printshellcmds or settings.debug_dag
        self._serves = not (settings.dryrun or quiet_or_not)
        self._stream = sys.stdout if settings.stdout else sys.stderr
        self._run, self._trains = Run(), set()  # names of the rules that train
        self._events = {
            LogEvent.JOB_INFO: self._start,
            LogEvent.JOB_FINISHED: lambda record: self._run.finish(record.job_id, record.created),
            LogEvent.JOB_ERROR: lambda record: self._run.fail(record.jobid, record.rule_msg or ""),
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
        handle = self._events.get(getattr(record, "event", None), lambda record: "")
        try:  # what a mistake means stands also beside what Snakemake's own console says
            if line := (handle if self._serves else self._explain)(record):
                self._write(line)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Write how the run ended, after everything else that Snakemake says. It calls this more than once."""
        if self._serves:
            for line in self._run.end():
                self._write(line)
        self._serves = False
        super().close()

    def _uncaught(self, kind: type, *error) -> None:  # Ctrl-C before jobs start needs no traceback
        if issubclass(kind, KeyboardInterrupt):
            self._write("stopped")
        else:
            sys.__excepthook__(kind, *error)

    def _write(self, text: str) -> None:
        print(printable(text), file=self._stream, flush=True)

    def _start(self, record: logging.LogRecord) -> str:
        log = next(map(Path, record.log), None)
        made = map(Path, record.output if record.rule_name in self._trains else [])
        accuracy = next((path for path in made if path.parent.parent.name == "accuracy"), None)
        job = Job(step_of(log) if log else record.rule_name, log, accuracy)
        line = self._run.start(record.jobid, job, record.created)
        return "" if not log else line if accuracy else record.rule_msg or line  # rule all has no log

    def _explain(self, record: logging.LogRecord) -> str:
        return explain(record.getMessage(), sys.argv[1:]) if record.levelno >= logging.ERROR else ""

    def _error(self, record: logging.LogRecord) -> str:
        message = self._message(record)
        if not message or not self._run.jobs:
            return message
        self._run.errors.append(message)  # for the end
        return ""

    def _message(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.levelno >= logging.ERROR:
            return self._explain(record) or ("" if message.startswith(REPEATED) else message)
        if hasattr(record, "networks"):  # what the workflow says before jobs start
            self._run.plan(*record.networks)
            self._trains |= set(record.rules)
        if stop := next((told for begins, told in STOPS.items() if message.startswith(begins)), ""):
            again, self._run.stopped = self._run.stopped, True
            return "" if again else stop
        own = record.levelno < logging.WARNING and record.pathname.startswith(SNAKEMAKE)
        return "" if own and record.funcName not in ANSWERS and message != NOTHING_TO_BE_DONE_MSG else message
