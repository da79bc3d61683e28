"""Plays the scenarios beside the repository to OpenBao and to our server; prints the difference.

The player and the scenarios lie in ../shared; a checkout without them skips.
"""

import argparse
import glob
import os
import re
import subprocess
import sys

import checks

SHARED = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "..", "shared"))
PLAYER = os.path.join(SHARED, "tools", "differential.py")
SCENARIO_SECONDS = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    parser.add_argument("scenario", nargs="*", help="all of ../shared/scenarios when absent")
    arguments = parser.parse_args()
    if not os.path.exists(PLAYER):
        print("skipped: ../shared/tools/differential.py is not here")
        return 0
    scenarios = arguments.scenario or sorted(glob.glob(os.path.join(SHARED, "scenarios", "*.py")))
    limit = SCENARIO_SECONDS * len(scenarios)
    return checks.play("differential", limit, lambda r: play(r, arguments.binary, scenarios))


def play(report, binary, scenarios):
    for scenario in scenarios:
        compare(report, binary, scenario)


def compare(report, binary, scenario):
    """One scenario; each of its steps counts as one check."""
    done = subprocess.run(
        [sys.executable, PLAYER, "--ours", binary, scenario],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SCENARIO_SECONDS,
    )
    print(done.stdout, end="")
    name = os.path.basename(scenario)
    same = re.search(r"^SAME (\d+)/(\d+)$", done.stdout, re.MULTILINE)
    if not same:
        report.check(f"{name} plays to its end", False, done.stderr[-2000:])
        return
    report.passed += int(same[1])
    report.failed += int(same[2]) - int(same[1])


if __name__ == "__main__":
    sys.exit(main())
