"""Progress bars below the lines of a console, on a terminal."""

from typing import TextIO

from transferability.common.logs import printable


class Bars:
    """A bar for each rule that trains, until all its jobs are done; lines go above. Only lines without a terminal.

    `due` says how many jobs each rule has that trains.
    """

    def __init__(self, stream: TextIO):
        self.due: dict[str, int] = {}
        self._stream, self._bars = stream, {}
        self._progress = None  # rich's, once something trains

    def start(self, rule: str) -> None:
        """A job of a rule that trains has started."""
        if rule in self._bars or not self._stream.isatty():
            return
        if not self._progress:
            from rich.console import Console
            from rich.progress import Progress

            # Drawn when something happens, so that a recorded terminal stays readable too.
            options = {"transient": True, "auto_refresh": False, "redirect_stdout": False, "redirect_stderr": False}
            self._progress = Progress(console=Console(file=self._stream), speed_estimate_period=600, **options)
            self._progress.start()
        self._bars[rule] = self._progress.add_task(rule.replace("_", " "), total=self.due.get(rule))
        self._progress.refresh()

    def finish(self, rule: str) -> None:
        """A job of a rule has finished; its bar goes when it is full."""
        if (bar := self._bars.get(rule)) is not None:
            self._progress.advance(bar)
            self._progress.update(bar, visible=not self._progress.tasks[bar].finished, refresh=True)

    def write(self, text: str) -> None:
        """Write a message, made printable."""
        if self._progress:
            self._progress.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
        else:
            print(printable(text), file=self._stream, flush=True)

    def stop(self) -> None:
        """Take the bars away, for good."""
        if self._progress:
            self._progress.stop()
            self._progress = None
