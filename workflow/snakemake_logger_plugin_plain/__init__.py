"""A console for Snakemake (`logger: plain` in profiles/default): a line per finished network, errors at the end.

The output consists of plain lines without control characters. snakemake-logger-plugin-rich 0.5.1 is not suitable: it
prints the whole log of every failed job, also after Ctrl-C, and shows neither the time left nor a line per network.

All warnings and errors are printed, and the messages of the workflow; Snakemake's messages about its own work are in
.snakemake/log. In a dry run, and with --verbose, --printshellcmds, --debug-dag or --quiet, Snakemake's own console is
used instead.
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

SNAKEMAKE = str(Path(snakemake.__file__).parent)  # prefix of the paths of its code, and of its plugins' code
ANSWERS = {"archive", "clean", "lint", "list_resources", "unlock"}  # functions whose messages the user requested
# Errors that only repeat that a job failed, for which a line was printed already.
REPEATED = (
    "Exiting because a job execution failed. Look above for error messages",
    "RuleException:\nCalledProcessError in file ",
    "WorkflowError:\nAt least one job did not complete successfully.",
)
STOPS = {
    "Terminating processes on user request": "stopping; running jobs save their state",
    "Will exit after finishing currently running jobs": "stopping; running jobs are finished first",
}


class LogHandler(LogHandlerBase):
    """Writes the lines that a `Run` makes of Snakemake's records to the stream of Snakemake's own handler."""

    has_filter = has_formatter = True
    needs_rulegraph = writes_to_file = False

    def __post_init__(self) -> None:
        check_configuration_files()  # now, because Snakemake reads them right after it starts its loggers
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
        """Whether this handler replaces Snakemake's own."""
        return self._serves

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line for the records that are worth one."""
        handle = self._events.get(getattr(record, "event", None), lambda record: "")
        try:  # mistakes are explained even if Snakemake's own console is used
            if line := (handle if self._serves else self._explain)(record):
                self._write(line)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Write how the run ended, after all other messages. Snakemake calls this more than once."""
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
        self._run.errors.append(message)  # printed at the end
        return ""

    def _message(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.levelno >= logging.ERROR:
            return self._explain(record) or ("" if message.startswith(REPEATED) else message)
        if hasattr(record, "networks"):  # the workflow's message before jobs start
            self._run.plan(*record.networks)
            self._trains |= set(record.rules)
        if stop := next((told for begins, told in STOPS.items() if message.startswith(begins)), ""):
            again, self._run.stopped = self._run.stopped, True
            return "" if again else stop
        own = record.levelno < logging.WARNING and record.pathname.startswith(SNAKEMAKE)
        return "" if own and record.funcName not in ANSWERS and message != NOTHING_TO_BE_DONE_MSG else message
