"""Whether text is harmless to who shows it: to a terminal, and to the runner of a job in CI."""

import re

SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What .NET trims: https://learn.microsoft.com/dotnet/api/system.char.iswhitespace"""
NOTHING = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
"""What .NET passes over where it compares as a language does."""


def lines(text: str) -> list[str]:
    """Return the lines that the runner reads, by .NET's line ends."""
    return re.split(r"\r\n|\r|\n", text)


def is_command(line: str) -> bool:
    """Tell whether a line could be a command, of whatever name, known to the runner or not.

    https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
    """
    trimmed = line.strip(SPACE + NOTHING)
    return trimmed.startswith("::") or re.search(r"##[a-z]*\[", trimmed) is not None


def assert_harmless(text: str) -> None:
    ours = re.sub(r"\x1b\[[0-9;]*m", "", text)
    unseen = re.findall(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", ours
    )
    assert (unseen, [line for line in lines(text) if is_command(line)]) == ([], [])
