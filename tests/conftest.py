"""Leave out what takes every process of a test run seconds to import, and what no test needs."""

import sys

# The grammar of IRIs, which jsonschema loads to check a format that none of our schemas has.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
