"""Have Go's build cache forget the packages of the repository, so that they are compiled anew.

`go build -a` would compile the standard library and all modules again as well, once for each
module of the repository. The cache keeps an index file for each action, named after the action's
hash (cmd/go/internal/cache, `fileName`); the first 15 bytes of the hash are in the package's build
ID (cmd/go/internal/work, `hashToString`), which `go list -export` prints. Without its index file a
package is compiled again, and nobody who reads it right now is disturbed.
"""

import base64
import binascii
import contextlib
import glob
import os
from collections.abc import Container

from lambdabuild.golang.output import parse_build_ids


def forget_packages(listed: str, cache: str, packages: Container[str]) -> bool:
    """Remove what the cache in the directory `cache` has of `packages`, by import path.

    `listed` is what `go list -export` says of their build IDs. Return False where that does not
    tell: then only `go build -a` is sure to compile them.
    """
    for path, build_id in parse_build_ids(listed):
        if path not in packages:
            continue
        entries = _entries(cache, build_id.partition("/")[0])
        if not entries:
            return False
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry)
    return True


def _entries(cache: str, action: str) -> list[str]:
    try:
        prefix = base64.urlsafe_b64decode(action).hex()
    except (binascii.Error, ValueError):
        return []
    return glob.glob(f"{glob.escape(cache)}/{prefix[:2]}/{prefix}*-a") if prefix else []
