"""Find the code blocks of a Markdown document, with what a comment above them says."""

import re
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^(?:<!-- (?P<comment>.*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced code block."""

    language: str
    text: str
    comment: str
    line: int
    """Where its fence stands in the document, from 1."""

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console block, each with the output shown below it."""
        parts = re.split(r"^\$ (.*)\n", self.text, flags=re.MULTILINE)[1:]
        return list(zip(parts[::2], parts[1::2], strict=True))


def blocks(document: str, language: str) -> list[Block]:
    """Return the blocks in one language."""
    return [
        Block(
            match["language"],
            match["text"],
            match["comment"] or "",
            document.count("\n", 0, match.start("language")) + 1,
        )
        for match in _BLOCK.finditer(document)
        if match["language"] == language
    ]
