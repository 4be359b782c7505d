"""Read what the kernel and the dynamic loader read of an ELF file."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import IO, TYPE_CHECKING, NamedTuple

from lambdabuild.core.errors import LambdabuildError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "arm64", "EM_386": "x86", "EM_ARM": "arm"}
_KINDS = {"ET_REL": "an object file", "ET_DYN": "a shared library", "ET_CORE": "a core dump"}

_MOST_TAGS = 10_000
_MOST_VERSIONS = 1_000
"""No file has more; a damaged one may claim to."""
_WEAK = 0x2
"""VER_FLG_WEAK: the loader does without that version."""
_PIE = 0x08000000
"""DF_1_PIE: an executable, though its type is that of a shared library."""

_AGAIN = "build it again"

_MAGIC = b"\x7fELF"
# Other files than ELF, by their first bytes.
_OTHERS = (
    (b"\xcf\xfa\xed\xfe", "a Mach-O file, for macOS"),
    (b"\xca\xfe\xba\xbe", "a Mach-O file, for macOS"),
    (b"MZ", "a PE file, for Windows"),
    (b"!<arch>\n", "an archive"),
    (b"#!", "a script"),
    (b"\0asm", "a WebAssembly module"),
)


class Need(NamedTuple):
    """A symbol version that has to be there."""

    library: str
    version: str


class Binary(NamedTuple):
    """What the kernel and the loader read of an ELF file."""

    machine: str
    """As the Lambda API names it; with an unusual word size or byte order."""
    executable: bool
    kind: str
    """For messages, where it is no executable."""
    interpreter: str | None
    libraries: tuple[str, ...]
    """The names of the shared libraries it needs directly."""
    needs: tuple[Need, ...]


def read(path: str) -> Binary:
    """Return what the loader reads of a file; messages of errors begin with a verb."""
    try:
        with open(path, "rb") as file:
            return _read(file)
    except LambdabuildError:
        raise
    except OSError as error:
        raise LambdabuildError(f"cannot be read: {error.strerror}", hint=_AGAIN) from error
    except Exception as error:  # pyelftools stumbles over damage in many ways
        reason = str(error) or type(error).__name__
        raise LambdabuildError(f"is a damaged ELF file ({reason})", hint=_AGAIN) from error


def _read(file: IO[bytes]) -> Binary:
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile
    from elftools.elf.segments import InterpSegment

    start = file.read(len(_MAGIC) * 2)
    if not start.startswith(_MAGIC):
        what = next((what for magic, what in _OTHERS if start.startswith(magic)), "no ELF file")
        raise LambdabuildError(f"is {what if start else 'empty'}")
    elf = ELFFile(file)
    interpreter: str | None = None
    libraries: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    values: Mapping[str, int] = {}
    for segment in elf.iter_segments():
        if segment["p_offset"] + segment["p_filesz"] > elf.stream_len:
            raise LambdabuildError("is a truncated ELF file", hint=_AGAIN)
        if isinstance(segment, InterpSegment):
            interpreter = segment.get_interp_name()
        elif isinstance(segment, DynamicSegment):
            tags = list(islice(segment.iter_tags(), _MOST_TAGS))
            values = {tag["d_tag"]: tag["d_val"] for tag in tags}
            named = [tag["d_val"] for tag in tags if tag["d_tag"] == "DT_NEEDED"]
            libraries = tuple([_text(elf, values, position) for position in named])
            needs = tuple(islice(_needs(elf, values), _MOST_VERSIONS))
    kind = str(elf["e_type"])
    pie = interpreter is not None or bool(values.get("DT_FLAGS_1", 0) & _PIE)
    runs = kind == "ET_EXEC" or (kind == "ET_DYN" and pie)
    return Binary(
        machine=_machine(elf),
        executable=runs and elf["e_entry"] != 0,
        kind=_KINDS.get(kind, "an ELF file without an entry point"),
        interpreter=interpreter,
        libraries=libraries,
        needs=needs,
    )


def _machine(elf: "ELFFile") -> str:
    name = str(elf["e_machine"])
    machine = _MACHINES.get(name, name.removeprefix("EM_"))
    if elf.elfclass != 64:  # noqa: PLR2004 - bits
        machine += ", 32 bit"
    if not elf.little_endian:
        machine += ", big endian"
    return machine


def _needs(elf: "ELFFile", tags: Mapping[str, int]) -> Iterator[Need]:
    """Yield the symbol versions, found as the loader finds them: there may be no sections."""
    from elftools.common.utils import struct_parse

    if "DT_VERNEED" not in tags:
        return
    position = _offset(elf, tags["DT_VERNEED"])
    for _ in range(min(tags.get("DT_VERNEEDNUM", 0), _MOST_VERSIONS)):
        library = struct_parse(elf.structs.Elf_Verneed, elf.stream, stream_pos=position)
        name = _text(elf, tags, library["vn_file"])
        at = position + library["vn_aux"]
        for _ in range(library["vn_cnt"]):
            version = struct_parse(elf.structs.Elf_Vernaux, elf.stream, stream_pos=at)
            if not version["vna_flags"] & _WEAK:
                yield Need(name, _text(elf, tags, version["vna_name"]))
            at += version["vna_next"]
        position += library["vn_next"]


def _text(elf: "ELFFile", tags: Mapping[str, int], position: int) -> str:
    """Return a name from the loader's string table."""
    from elftools.common.utils import parse_cstring_from_stream

    found = parse_cstring_from_stream(elf.stream, _offset(elf, tags["DT_STRTAB"]) + position)
    if found is None:
        raise LambdabuildError("is a truncated ELF file", hint=_AGAIN)
    return found.decode()


def _offset(elf: "ELFFile", address: int) -> int:
    """Return the offset in the file of an address."""
    found = next(elf.address_offsets(address), None)
    if found is None:
        raise LambdabuildError(
            "is a damaged ELF file (an address in it is in no segment)", hint=_AGAIN
        )
    return found
