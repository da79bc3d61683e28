"""Reading a guide's code blocks and running its shell blocks as a reader would.

The guides lie beside the repository, in ../shared/guides; a checkout without them skips.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile

from devserver import openbao

GUIDES = os.path.join(os.path.dirname(__file__), "..", "..", "shared", "guides")
BLOCK_SECONDS = 60


class Block:
    """One fenced block: the heading it stands under, its language, its text, its line."""

    def __init__(self, heading, language, text, line):
        self.heading, self.language, self.text, self.line = heading, language, text, line

    def key(self):
        return (self.heading, self.language)


def path(name):
    """The path of a guide, or `None` where it is not to be had."""
    found = os.path.normpath(os.path.join(GUIDES, name))
    return found if os.path.exists(found) else None


def blocks(guide):
    """All fenced blocks of a guide, in order."""
    found, heading, lines, language, start = [], "", None, "", 0
    with open(guide) as file:
        for number, line in enumerate(file, 1):
            fence = re.match(r"```(\w*)\s*$", line)
            if lines is not None:
                if fence:
                    found.append(Block(heading, language, "".join(lines), start))
                    lines = None
                else:
                    lines.append(line)
            elif fence:
                language, lines, start = fence.group(1), [], number
            elif line.startswith("#"):
                heading = line.lstrip("#").strip()
    return found


def as_meant(text):
    """A shell comment after a continuation's backslash ends the command early; drop it."""
    return re.sub(r"\\[ \t]+#.*$", r"\\", text, flags=re.MULTILINE)


class Shell:
    """A folder and an environment in which `vault` is the command line under test.

    `cli` is `vault` (our binary under the name that the guides use) or `bao` (OpenBao's, unchanged;
    the blocks then say `bao`). Use as a context manager.
    """

    def __init__(self, cli, binary, address):
        self.cli, self.binary, self.address = cli, os.path.abspath(binary), address

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="guide-")
        self.programs = os.path.join(self.folder, "bin")
        os.mkdir(self.programs)
        program = openbao() if self.cli == "bao" else self.binary
        os.symlink(program, os.path.join(self.programs, self.cli))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, script, token, environment=None):
        """Runs a block; returns (exit status, standard output, standard error)."""
        if self.cli == "bao":
            commands = r"\bvault (?=audit|auth|list|policy|read|secrets|token|write)"
            script = re.sub(commands, "bao ", script)
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", as_meant(script)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BLOCK_SECONDS,
            env={
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "HOME": self.folder,
                "VAULT_ADDR": self.address,
                "VAULT_TOKEN": token,
                "BAO_ADDR": self.address,
                "BAO_TOKEN": token,
                **(environment or {}),
            },
        )
        return done.returncode, done.stdout, done.stderr


def table(text):
    """The rows of the CLI's `Key  Value` table; a value may be empty."""
    rows = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name and name not in ("Key", "---"):
            rows[name] = value.strip()
    return rows


def expected_json(text):
    """The JSON that a block shows in the comments below `# Response:`, parsed."""
    shown = text.split("# Response:\n", 1)[1]
    return json.loads("\n".join(line.lstrip("# ") for line in shown.splitlines()))
