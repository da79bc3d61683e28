"""The shell commands of a guide that has no fences: a web page as text.

A page's copy buttons leave each block twice, and what follows is glued to it. So a command ends where
its last setting does, and the second of two equal ones is the copy.
"""

import re

# The settings of these guides are all quoted.
SETTING = r'[a-z_]+="[^"]*"'
COMMAND = re.compile(rf"vault (?:auth enable jwt|write \S+(?: \\\n{SETTING})+)")


def commands(path):
    """The commands in the order of the page, each once for each time that the page means it."""
    with open(path) as file:
        text = file.read()
    found = [match.group(0) for match in COMMAND.finditer(text)]
    assert len(found) == len(re.findall(r"vault (?:auth enable|write) ", text)), "all are read"
    return found


def once(found):
    """Without the copies: they stand behind what they are a copy of."""
    pairs = zip(found[::2], found[1::2], strict=True)
    assert all(one == copy for one, copy in pairs), "each block stands twice"
    return found[::2]
