"""Read sections, symbols and function names of an ELF file, as Go's linker writes them.

pyelftools reads all of it, but takes seconds for the hundred thousand symbols of a large function.
"""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

_MAGIC = b"\x7fELF\x02\x01"
"""ELF of 64 bits, little-endian: all of Lambda's machines."""
_SECTION_HEADERS = struct.Struct("<Q")
_COUNTS = struct.Struct("<HHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMBOL_TABLE = 2
_NO_BITS = 8
_ALLOCATED = 0x2
_FUNCTIONS = (".gopclntab", ".data.rel.ro.gopclntab")
"""The table of functions; the second where an executable may lie anywhere in memory."""
_HEADER = struct.Struct("<IBBBBQQQQQQQQ")
_KNOWN = 0xFFFFFFF1
"""Begins the table since Go 1.20: `CurrentPCLnTabMagic` of internal/abi."""
_FUNCTION = struct.Struct("<II")
_NAME = struct.Struct("<i")
_MODULES_BEGIN = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
_MODULES_END = bytes.fromhex("f932433186182072008242104116d8f2")
DAMAGE = (struct.error, ValueError, IndexError)
"""What reading a damaged file raises."""


class Section(NamedTuple):
    """A section, as the section headers have it."""

    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int

    @property
    def is_loaded(self) -> bool:
        """Whether it is in the file, and loaded from there: no symbols, no DWARF, no zeros."""
        return bool(self.flags & _ALLOCATED) and self.kind != _NO_BITS


class Symbol(NamedTuple):
    """A symbol of the linker's table."""

    name: str
    address: int
    size: int
    section: int
    """The index of its section."""


class Table(NamedTuple):
    """Where Go's table of functions has what; offsets in the file."""

    functions: int
    names: int
    names_end: int
    number: int
    """Of functions."""


class Executable(NamedTuple):
    """An ELF file in memory, or mapped into it."""

    content: bytes | mmap.mmap
    sections: tuple[Section, ...]

    def symbols(self) -> Iterator[Symbol]:
        """Yield the linker's symbols that have a size; none where they were left out.

        Raises:
            one of `DAMAGE`: the file is damaged.

        """
        content = self.content
        for section in self.sections:
            if section.kind != _SYMBOL_TABLE:
                continue
            texts = next(s for s in self.sections if s.name == ".strtab")
            names = content[texts.offset : texts.offset + texts.size]
            table = content[section.offset : section.offset + section.size]
            for name, _, _, index, address, size in _SYMBOL.iter_unpack(table):
                if size:
                    text = names[name : names.index(b"\0", name)].decode("utf-8", "replace")
                    yield Symbol(text, address, size, index)

    def table(self) -> Table | None:
        """Return where the table of functions is; None where it is not as this Go writes it.

        Source: https://github.com/golang/go/blob/go1.26.0/src/debug/gosym/pclntab.go
        """
        section = next((s for s in self.sections if s.name in _FUNCTIONS), None)
        if section is None:
            return None
        start = section.offset
        magic, *_, count, _, _, names, names_end, _, _, functions = _HEADER.unpack_from(
            self.content, start
        )
        if magic != _KNOWN or not 0 < names <= names_end <= section.size:
            return None
        return Table(start + functions, start + names, start + names_end, count)

    def functions(self) -> Iterator[tuple[str, int]]:
        """Yield the name and the size of each function's code; it is there without symbols, too.

        Raises:
            one of `DAMAGE`: the file is damaged.

        """
        table = self.table()
        if table is None:
            return
        content = self.content
        names = content[table.names : table.names_end]
        rows = content[table.functions : table.functions + table.number * _FUNCTION.size]
        last = table.functions + len(rows)
        (end,) = struct.unpack_from("<I", content, last)
        begin, at = 0, -1
        for entry, offset in _FUNCTION.iter_unpack(rows):
            if at >= 0:
                yield _named(content, names, table.functions + at), entry - begin
            begin, at = entry, offset
        if at >= 0:
            yield _named(content, names, table.functions + at), end - begin

    def embedded(self) -> Iterator[tuple[str, str, str]]:
        """Yield what Go embeds of its modules: `path`, `mod` or `dep`; a path; a version, if any.

        Source: https://github.com/golang/go/blob/go1.26.0/src/debug/buildinfo/buildinfo.go
        """
        section = next((s for s in self.sections if s.name == ".go.buildinfo"), None)
        if section is None:
            return
        data = self.content[section.offset : section.offset + section.size]
        # Marked on both sides by 16 bytes that are no text.
        text = data.partition(_MODULES_BEGIN)[2].partition(_MODULES_END)[0]
        for line in text.decode("utf-8", "replace").splitlines():
            kind, path, version, *_ = [*line.split("\t"), "", ""]
            if kind in {"path", "mod", "dep"}:
                yield kind, path, "" if version == "(devel)" else version

    def names_functions(self, *names: str) -> bool | None:
        """Tell whether all of these are among the names of functions; None where that is not known."""
        table = self.table()
        if table is None:
            return None
        return all(
            self.content.find(b"\0%s\0" % name.encode(), table.names, table.names_end) >= 0
            for name in names
        )


def _named(content: bytes | mmap.mmap, names: bytes, function: int) -> str:
    (name,) = _NAME.unpack_from(content, function + 4)
    return names[name : names.index(b"\0", name)].decode("utf-8", "replace")


def parse(content: bytes | mmap.mmap) -> Executable | None:
    """Return what the section headers say; None for any other file than such an ELF file."""
    if content[: len(_MAGIC)] != _MAGIC:
        return None
    try:
        (start,) = _SECTION_HEADERS.unpack_from(content, 40)
        size, count, of_names = _COUNTS.unpack_from(content, 58)
        rows = [_SECTION.unpack_from(content, start + size * number) for number in range(count)]
        texts = content[rows[of_names][4] : rows[of_names][4] + rows[of_names][5]]
        return Executable(
            content,
            tuple([
                Section(texts[row[0] : texts.index(b"\0", row[0])].decode("ascii"), *row[1:6])
                for row in rows
            ]),
        )  # fmt: skip
    except DAMAGE:
        return None


@contextmanager
def opened(path: str) -> Iterator[Executable | None]:
    """Map a file into memory, and close it afterwards; None for what is no such ELF file.

    Raises:
        OSError: it cannot be read.

    """
    with open(path, "rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # it is empty
            yield None
            return
        with content:
            yield parse(content)
