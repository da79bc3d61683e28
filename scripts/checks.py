"""Counts what a script saw, one line per check, and closes with the count that CI reads."""

import signal
import sys
import traceback


class Report:
    def __init__(self, title):
        self.title = title
        self.passed = self.failed = self.skipped = 0

    def check(self, name, holds, detail=""):
        """Records one check; `detail` is printed when it does not hold. Returns `holds`."""
        if holds:
            self.passed += 1
            print(f"  passed   {name}")
        else:
            self.failed += 1
            print(f"  FAILED   {name}" + (f"\n           {detail}" if detail != "" else ""))
        sys.stdout.flush()
        return bool(holds)

    def equal(self, name, found, expected):
        return self.check(name, found == expected, f"found {found!r}, expected {expected!r}")

    def skip(self, name, why):
        self.skipped += 1
        print(f"  skipped  {name}: {why}")
        sys.stdout.flush()

    def close(self):
        """Prints the closing line and returns the exit status."""
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        print(f"{self.title}: {counts}")
        return 0 if self.failed == 0 and self.passed > 0 else 1


def play(title, seconds, body):
    """Runs `body(report)` for at most `seconds`; returns the exit status.

    An error that the body does not handle is a failed check, so that the count is always printed.
    """

    def late(*_):
        raise TimeoutError(f"it took more than {seconds} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    report = Report(title)
    try:
        body(report)
    except Exception:
        report.check("it plays to its end", False, traceback.format_exc())
    return report.close()
