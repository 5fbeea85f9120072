"""Progress bars below the lines of a console, on a terminal."""

from typing import TextIO


class Bars:
    """A bar for each rule that trains, while it does; lines go above. Nothing but lines where there is no terminal."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._progress = None  # rich's, once something trains
        self._due, self._rules, self._jobs = {}, {}, {}

    def plan(self, due: dict[str, int]) -> None:
        """How many jobs each rule has that trains, besides those of earlier calls."""
        self._due |= due

    def start(self, number: int, rule: str) -> None:
        """A job of a rule that trains has started."""
        if not self._stream.isatty():
            return
        if not self._progress:
            self._progress = _new_progress(self._stream)
            self._progress.start()
        if rule not in self._rules:
            self._rules[rule] = self._progress.add_task(rule.replace("_", " "), total=self._due.get(rule))
            self._progress.refresh()
        self._jobs[number] = self._rules[rule]

    def finish(self, number: int) -> None:
        """A job has finished; a bar goes when it is full, and with the last one all of them."""
        if number not in self._jobs:
            return
        bar = self._jobs.pop(number)
        self._progress.advance(bar)
        self._progress.update(bar, visible=not self._progress.tasks[bar].finished, refresh=True)
        if self._progress.finished and not self._jobs and self._rules.keys() == self._due.keys():
            self.stop()

    def write(self, line: str) -> None:
        """Write a line."""
        if self._progress:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=self._stream, flush=True)

    def stop(self) -> None:
        """Take the bars away."""
        if self._progress:
            self._progress.stop()
            self._progress = None
            self._jobs.clear()
            self._rules.clear()


def _new_progress(stream: TextIO):
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=stream),
        transient=True,
        auto_refresh=False,  # drawn when something happens, so that a recorded terminal stays readable too
        speed_estimate_period=600,
        redirect_stdout=False,
        redirect_stderr=False,
    )
