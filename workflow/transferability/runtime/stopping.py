"""When a training job has to end: on SIGTERM or SIGINT, or shortly before its walltime is over."""

import signal
import time
from collections.abc import Callable

RESERVE = 30.0  # a job saves its state this many seconds, plus the time for saving, before its walltime ends


class Stopping:
    """Whether the job of this process has to end: after a signal, or shortly before `deadline` (of time.monotonic)."""

    def __init__(self, deadline: float):
        self._deadline, self._signal = deadline, ""

    def listen(self, on_signal: Callable[[], None]) -> None:
        """From now on remember SIGTERM and SIGINT, and call `on_signal` when one arrives."""
        self._on_signal = on_signal
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def why(self, saving: float = 0.0) -> str:
        """Return why the job has to end, "" if it has not; `saving` is the time that it needs for that, in seconds."""
        late = time.monotonic() >= self._deadline - RESERVE - saving
        return self._signal or ("stopped before its walltime is over" if late else "")

    def _remember(self, number, _frame) -> None:
        self._signal = f"stopped by {signal.Signals(number).name}"
        self._on_signal()
