"""Answer commands instead of running them."""

from lambdabuild.system.process import Command, Completed, Tick


class FakeRun:
    """A `Run` without a process: what derives from it gives the answers."""

    __slots__ = ()

    def __call__(
        self, command: Command, tick: Tick | None = None, interval: float = 0.1
    ) -> Completed:
        del interval
        return self.answer(command, tick)

    def answer(self, command: Command, tick: Tick | None) -> Completed:
        raise NotImplementedError

    def close(self) -> None:
        """Have nothing to stop."""
