"""Programs for Node.js in folders of their own, with the packages that their lock names."""

import os
import shutil
import subprocess

INSTALL_SECONDS = 120


def install(program, folder):
    """Copies a program into a folder and installs its packages; returns why not, if that can't be."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return "Node.js and npm are not installed"
    for name in ("main.mjs", "package.json", "package-lock.json"):
        shutil.copy(os.path.join(program, name), folder)
    call = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    try:
        done = subprocess.run(
            call, check=False, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"npm took more than {INSTALL_SECONDS} s"
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        return f"npm can't install it: {'; '.join(errors[:4])}"
    return None
