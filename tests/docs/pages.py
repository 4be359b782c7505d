"""The documentation: README.md, and what people read beside it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
}
"""What readers use lambdabuild by: the text of each page, by its path in the repository."""
OF_THE_PROJECT = {
    name: (ROOT / name).read_text("utf-8")
    for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "fixtures/README.md")
}
"""What stands beside them."""
