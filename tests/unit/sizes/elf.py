"""Small ELF files, as Go's linker lays them out, made of parts."""

import struct
from collections.abc import Mapping, Sequence

ALLOCATED, EXECUTABLE = 2, 4
BITS, SYMBOLS, TEXTS, ZEROS = 1, 2, 3, 8
CODE, DATA = 0x1000, 0x5000
"""Where `.text` and `.data` are in memory."""


def executable(
    *,
    functions: Mapping[str, int] = {},
    data: Mapping[str, int] = {},
    modules: str = "",
    symbols: bool = True,
    magic: int = 0xFFFFFFF1,
    constants: int = 0,
) -> bytes:
    """Return an executable of functions and data with these sizes.

    `modules` is what Go embeds of them, and `constants` the size of read-only data without symbols.
    """
    code, table = _addressed(functions, CODE), _table(functions, magic)
    values = _addressed(data, DATA)
    sections: list[tuple[str, int, int, int, bytes | int]] = [
        ("", 0, 0, 0, b""),
        (".text", BITS, ALLOCATED | EXECUTABLE, CODE, bytes(sum(functions.values()))),
        (".rodata", BITS, ALLOCATED, 0x4000, bytes(constants)),
        (".gopclntab", BITS, ALLOCATED, 0x4800, table),
        (".data", BITS, ALLOCATED, DATA, bytes(sum(data.values()))),
        (".go.buildinfo", BITS, ALLOCATED, 0x8000, _embedded(modules)),
        (".bss", ZEROS, ALLOCATED, 0x9000, 4096),
    ]
    if symbols:
        texts, rows = b"\0", bytes(24)
        zeros = [("runtime.mheap_", 0x9000, 4096)]
        for index, group in ((1, code), (4, values), (6, zeros)):
            for name, address, size in group:
                rows += struct.pack("<IBBHQQ", len(texts), 2, 0, index, address, size)
                texts += name.encode() + b"\0"
        sections += [(".symtab", SYMBOLS, 0, 0, rows), (".strtab", TEXTS, 0, 0, texts)]
    return _laid_out(sections)


def _addressed(sizes: Mapping[str, int], start: int) -> list[tuple[str, int, int]]:
    found = []
    for name, size in sizes.items():
        found.append((name, start, size))
        start += size
    return found


def _table(functions: Mapping[str, int], magic: int) -> bytes:
    """Return what Go calls pclntab, with names and places of functions, and nothing of lines."""
    names, offsets = b"", []
    for name in functions:
        offsets.append(len(names))
        names += name.encode() + b"\0"
    head = 8 + 8 * 8
    names = b"\0" + names
    begin = head + len(names)
    rows, records, entry = b"", b"", 0
    place = 8 * len(functions) + 4
    for (_, size), offset in zip(functions.items(), offsets, strict=True):
        rows += struct.pack("<II", entry, place + len(records))
        records += struct.pack("<Ii", entry, offset + 1)
        entry += size
    rows += struct.pack("<I", entry)
    header = struct.pack(
        "<IBBBBQQQQQQQQ", magic, 0, 0, 1, 8, len(functions), 0, 0, head, begin, begin, begin, begin
    )
    return header + names + rows + records


def _embedded(modules: str) -> bytes:
    begin = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
    end = bytes.fromhex("f932433186182072008242104116d8f2")
    return b"\xff Go buildinf:\x08\x02" + bytes(17) + begin + modules.encode() + end


def _laid_out(sections: Sequence[tuple[str, int, int, int, bytes | int]]) -> bytes:
    names = b""
    rows, content = [], b""
    sections = [*sections, (".shstrtab", TEXTS, 0, 0, b"")]
    for name, kind, flags, address, data in sections:
        if name == ".shstrtab":
            data = names + b".shstrtab\0"  # noqa: PLW2901 - known only now
        size = data if isinstance(data, int) else len(data)
        rows.append((len(names), kind, flags, address, 64 + len(content), size, 0, 0, 1, 0))
        names += name.encode() + b"\0"
        content += b"" if isinstance(data, int) else data
    start = 64 + len(content)
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQ", 2, 62, 1, CODE, 0, start)
    head += struct.pack("<IHHHHHH", 0, 64, 0, 0, 64, len(rows), len(rows) - 1)
    return head + content + b"".join(struct.pack("<IIQQQQIIQQ", *row) for row in rows)
