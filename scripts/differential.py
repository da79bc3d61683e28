"""Plays scenarios to OpenBao and to our server; prints the difference.

The player and some scenarios lie in ../shared, more of them in scenarios/; a checkout without the
player skips. A difference that is
listed with its reason in differential.accepted is skipped; every other one is a failure, and so is
a line of that list which no difference needs any more: the list only shrinks.
"""

import argparse
import fnmatch
import glob
import os
import re
import subprocess
import sys

import checks

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.path.normpath(os.path.join(HERE, "..", "..", "shared"))
PLAYER = os.path.join(SHARED, "tools", "differential.py")
ACCEPTED = os.path.join(HERE, "differential.accepted")
SCENARIO_SECONDS = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    parser.add_argument("scenario", nargs="*", help="all of both folders when absent")
    arguments = parser.parse_args()
    if not os.path.exists(PLAYER):
        print("skipped: ../shared/tools/differential.py is not here")
        return 0
    scenarios = arguments.scenario or [
        path
        for folder in (SHARED, HERE)
        for path in sorted(glob.glob(os.path.join(folder, "scenarios", "*.py")))
    ]
    limit = SCENARIO_SECONDS * len(scenarios)
    return checks.play("differential", limit, lambda r: play(r, arguments.binary, scenarios))


def accepted():
    """The list: (scenario, pattern of `METHOD path`, reason)."""
    with open(ACCEPTED) as file:
        lines = [line.strip() for line in file]
    return [
        tuple(part.strip() for part in line.split("|"))
        for line in lines
        if line and not line.startswith("#")
    ]


def play(report, binary, scenarios):
    for scenario in scenarios:
        rules = [rule[1:] for rule in accepted() if rule[0] == os.path.basename(scenario)]
        compare(report, binary, scenario, rules)


def compare(report, binary, scenario, rules):
    """One scenario; each of its steps counts as one check."""
    done = subprocess.run(
        [sys.executable, PLAYER, "--ours", os.path.abspath(binary), scenario],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SCENARIO_SECONDS,
    )
    name = os.path.basename(scenario)
    same = re.search(r"^SAME (\d+)/(\d+)$", done.stdout, re.MULTILINE)
    if not report.check(f"{name} plays to its end", same, done.stderr[-2000:]):
        return
    report.passed += int(same[1])
    unused = dict(rules)
    for step, faults in differences(done.stdout):
        pattern = next((rule for rule, _ in rules if fnmatch.fnmatchcase(step, rule)), None)
        if pattern is None:
            report.check(f"{name}: {step}", False, faults)
        else:
            unused.pop(pattern, None)
            report.skip(f"{name}: {step}", dict(rules)[pattern])
    for pattern in unused:
        report.check(f"{name}: {pattern}", False, "differs no more; remove its line from the list")


def differences(text):
    """The steps that differ, as (`METHOD path`, what differs)."""
    found = []
    for line in text.splitlines():
        step = re.match(r"differs\s+\d+\s+(\S+)\s+(\S+)", line)
        if step:
            found.append((f"{step[1]} {step[2]}", []))
        elif found and line.startswith("     "):
            found[-1][1].append(line.strip())
    return [(step, "\n           ".join(faults)) for step, faults in found]


if __name__ == "__main__":
    sys.exit(main())
