import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.config.file import parse_config
from lambdabuild.config.globs import pattern_problem
from lambdabuild.config.options import (
    FUNCTION,
    TOP,
    BuildSettings,
    Config,
    LocalSettings,
    options_in,
)
from lambdabuild.config.parsing import parse_architecture, parse_runtime, parse_target
from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.target import Flags, Runtime, Target
from lambdabuild.golang.tool_flags import problem_of
from tests.unit.values import ARM64, X86_64, directories, texts

passable = texts.filter(lambda text: "\0" not in text)
"""What the system takes as an argument."""

SOURCE = "lambdabuild.toml"
ARCHITECTURES = {"x86_64": X86_64, "amd64": X86_64, "arm64": ARM64}
TOP_KEYS = [*(option.key for option in options_in(TOP)), "functions"]
FUNCTION_KEYS = [option.key for option in options_in(FUNCTION)]


def as_toml(value: object) -> str:
    """Return a value in TOML; a basic string is JSON's, but for DEL."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(as_toml, value))}]"
        case dict():
            pairs = (f"{as_toml(key)} = {as_toml(item)}" for key, item in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case _:
            return json.dumps(value)


def document(values: Mapping[str, object]) -> str:
    return "".join(f"{as_toml(key)} = {as_toml(value)}\n" for key, value in values.items())


def test_variables_of_lambdabuilds_are_not_the_files_to_set() -> None:
    assert failure('env = { LAMBDABUILD_PASS_ENV = "AWS_*" }') == (
        "`env.LAMBDABUILD_PASS_ENV` is lambdabuild's to set\n  at: lambdabuild.toml\n"
        "  hint: export it where lambdabuild is started"
    )


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("handler.Handle", "write `Handle`"),
        ("handle", "write the name of an exported function or variable of the main package"),
        ("", "write the name of an exported function or variable of the main package"),
        ("Hand-le", "write the name of an exported function or variable of the main package"),
    ],
)
def test_a_handler_is_named_by_an_exported_symbol(written: str, remedy: str) -> None:
    text = failure(f'[functions.orders]\nhandler_name = "{written}"')
    assert f'`functions."orders".handler_name` is `{written}`, which is no exported Go name' in text
    assert text.endswith(f"hint: {remedy}")


def test_an_adapter_is_chosen_by_itself_or_not_at_all() -> None:
    text = failure('adapter = "non"')
    assert text.startswith("`adapter` is `non`, which adapts nothing")
    assert text.endswith("hint: did you mean `none`?")
    assert parse_config('adapter = "none"', SOURCE).choices["adapter"] == "none"


def failure(text: str) -> str:
    with pytest.raises(LambdabuildError) as caught:
        parse_config(text, SOURCE)
    return str(caught.value)


variables = st.from_regex(r"[A-Z][A-Z0-9_]{0,10}", fullmatch=True).filter(
    lambda name: name not in {"GOOS", "GOARCH", "GOFLAGS", "GOBIN", "GOTMPDIR", "GOWORK"}
)
architectures = st.sampled_from([*ARCHITECTURES])
choices: dict[str, st.SearchStrategy[Any]] = {
    "architecture": architectures | st.lists(architectures, min_size=1),
    "runtime": st.sampled_from([*Runtime]).map(str),
    "tags": st.lists(passable),
    "ldflags": passable.filter(lambda text: problem_of("ldflags", text) is None),
    "gcflags": passable.filter(lambda text: problem_of("gcflags", text) is None),
    "env": st.dictionaries(variables, passable, max_size=3),
    "cgo": st.booleans(),
    "layer_libraries": st.lists(passable.filter(lambda text: text and "/" not in text), max_size=2),
    "zip": st.booleans(),
    "sbom": st.booleans(),
    "environment": st.dictionaries(variables, passable, max_size=3),
    "timeout": st.integers(1, 900),
    "memory": st.integers(128, 10240),
    "concurrency": st.integers(1, 1000),
}
patterns = passable.filter(lambda text: pattern_problem(text) is None)
function_tables = st.fixed_dictionaries(
    {}, optional={"directory": directories, "assets": st.lists(patterns, max_size=3), **choices}
)
function_names = passable.filter(lambda name: name not in {"", ".", ".."} and "/" not in name)
documents = st.fixed_dictionaries(
    {},
    optional={
        "roots": st.lists(passable.filter(bool), min_size=1),
        "exclude": st.lists(passable),
        "out": passable.filter(bool),
        "functions": st.dictionaries(function_names, function_tables, max_size=3),
        **choices,
    },
)


def chosen(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a table says, by field: a list is a tuple, an empty `gcflags` nothing."""
    found = {
        {"architecture": "targets", "env": "environment", "environment": "variables"}.get(
            key, key
        ): (tuple(value) if isinstance(value, list) else value)
        for key, value in values.items()
        if key != "functions" and (key, value) != ("gcflags", "")
    }
    if "targets" in found:
        several = found["targets"]
        names = [several] if isinstance(several, str) else several
        found["targets"] = tuple(dict.fromkeys(ARCHITECTURES[name] for name in names))
    return found


@given(documents)
def test_every_valid_document_becomes_the_configuration_it_says(values: dict[str, Any]) -> None:
    said = chosen(values)
    whole = {key: said.pop(key) for key in ("roots", "exclude", "out") if key in said}
    tables = values.get("functions", {}).items()
    functions = {name: chosen(table) for name, table in tables}
    expected = Config(source=SOURCE, choices=said, functions=functions, **whole)
    assert parse_config(document(values), SOURCE) == expected


def test_the_configuration_of_the_contract_is_read() -> None:
    text = """
        roots = ["api"]
        exclude = ["internal-tools-*"]
        out = "dist"
        architecture = "x86_64"
        runtime = "provided.al2023"
        tags = ["lambda.norpc"]
        ldflags = "-s -w"
        gcflags = ""
        env = { GOAMD64 = "v1" }

        [functions."users-get"]
        architecture = "arm64"
        assets = ["templates/*.html"]
    """
    assert parse_config(text, SOURCE) == Config(
        source=SOURCE,
        roots=("api",),
        exclude=("internal-tools-*",),
        out="dist",
        choices={
            "targets": (X86_64,),
            "runtime": Runtime.AL2023,
            "tags": ("lambda.norpc",),
            "ldflags": "-s -w",
            "environment": {"GOAMD64": "v1"},
        },
        functions={"users-get": {"targets": (ARM64,), "assets": ("templates/*.html",)}},
    )


def test_an_empty_file_says_nothing() -> None:
    assert parse_config("", SOURCE) == Config(source=SOURCE)


def test_the_directory_of_a_function_is_taken_as_people_write_it() -> None:
    config = parse_config('functions.billing.directory = "./api/invoices//v2/"', SOURCE)
    assert config.functions == {"billing": {"directory": "api/invoices/v2"}}


@given(texts, st.integers())
def test_any_unknown_key_is_refused_by_name(key: str, value: int) -> None:
    assume(key not in TOP_KEYS)
    hint = did_you_mean(key, TOP_KEYS) or f"the keys here are {', '.join(TOP_KEYS)}"
    assert failure(document({key: value})) == (
        f"`{key}` is not a key that lambdabuild knows\n  at: {SOURCE}\n  hint: {hint}"
    )


def test_a_key_of_the_whole_project_is_not_one_of_a_function() -> None:
    assert failure("[functions.a]\nout = 'x'") == (
        f'`functions."a".out` is not a key that lambdabuild knows\n  at: {SOURCE}\n'
        "  hint: `out` is for the whole project: move it above the first `[…]`"
    )


@given(function_names, texts, st.integers())
def test_any_unknown_key_of_a_function_is_refused_by_name(name: str, key: str, value: int) -> None:
    assume(key not in TOP_KEYS)
    hint = did_you_mean(key, FUNCTION_KEYS) or f"the keys here are {', '.join(FUNCTION_KEYS)}"
    assert failure(document({"functions": {name: {key: value}}})) == (
        f'`functions."{name}".{key}` is not a key that lambdabuild knows\n'
        f"  at: {SOURCE}\n  hint: {hint}"
    )


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("root", "roots"),
        ("architectures", "architecture"),
        ("ld-flags", "ldflags"),
        ("tag", "tags"),
        ("excludes", "exclude"),
        ("function", "functions"),
    ],
)
def test_the_key_that_was_meant_is_suggested(key: str, near: str) -> None:
    assert failure(f'{key} = "x"') == (
        f"`{key}` is not a key that lambdabuild knows\n"
        f"  at: {SOURCE}\n"
        f"  hint: did you mean `{near}`?"
    )


MIGRATION = (
    "use `provided.al2023`, which runs on x86_64 and arm64: the same code, built as an executable "
    "named `bootstrap`, which is what lambdabuild writes; where the function is deployed, set "
    "Runtime: provided.al2023 and Handler: bootstrap"
)
INSIDE = "name files in or below the function's directory, such as `templates/*.html`"
ENV_HINTS = {
    "GOOS": "use `architecture`, or --target for other systems",
    "GOARCH": "use `architecture`, or --target for other systems",
    "GOFLAGS": "use `tags`, `ldflags` and `gcflags`, or export GOFLAGS",
    "GOBIN": "use `out`",
    "GOTMPDIR": "lambdabuild stages in .lambdabuild, on the output's own file system",
    "GOWORK": "export GOWORK instead; it decides which modules there are",
}
REFUSED = {
    **dict.fromkeys(
        ("roots = []", 'roots = ["api", ""]'),
        "`roots` names no directory\n"
        "  at: lambdabuild.toml\n"
        "  hint: name one, such as `api` or `dist`",
    ),
    'roots = "api"': (
        '`roots` is not a list of strings\n  at: lambdabuild.toml\n  hint: write `roots = ["…"]`'
    ),
    'exclude = ["a", 1]': (
        "`exclude` is not a list of strings\n"
        "  at: lambdabuild.toml\n"
        '  hint: write `exclude = ["…"]`'
    ),
    'out = ""': (
        "`out` names no directory\n"
        "  at: lambdabuild.toml\n"
        "  hint: name one, such as `api` or `dist`"
    ),
    "out = 1": '`out` is not a string\n  at: lambdabuild.toml\n  hint: write `out = "…"`',
    "ldflags = ['-s', '-w']": (
        '`ldflags` is not a string\n  at: lambdabuild.toml\n  hint: write `ldflags = "…"`'
    ),
    "gcflags = false": (
        '`gcflags` is not a string\n  at: lambdabuild.toml\n  hint: write `gcflags = "…"`'
    ),
    'tags = "lambda.norpc"': (
        '`tags` is not a list of strings\n  at: lambdabuild.toml\n  hint: write `tags = ["…"]`'
    ),
    "architecture = []": (
        "`architecture` names none\n"
        "  at: lambdabuild.toml\n"
        '  hint: use "x86_64", "arm64", or both in a list'
    ),
    "architecture = 64": (
        "`architecture` is not a list of strings\n"
        "  at: lambdabuild.toml\n"
        '  hint: write `architecture = ["…"]`'
    ),
    'architecture = "aarch64"': (
        "`aarch64` is not an architecture that Lambda has\n"
        "  at: lambdabuild.toml, key `architecture`\n"
        "  hint: did you mean `arm64`?"
    ),
    'architecture = ["x86_64", "sparc"]': (
        "`sparc` is not an architecture that Lambda has\n"
        "  at: lambdabuild.toml, key `architecture`\n"
        "  hint: use `x86_64` or `arm64`"
    ),
    **{
        f'runtime = "{runtime}"': (
            f"the runtime `{runtime}` was retired by AWS, and has no arm64\n"
            "  at: lambdabuild.toml, key `runtime`\n"
            f"  hint: {MIGRATION}"
        )
        for runtime in ("go1.x", "provided")
    },
    # go1.x started a program named after the handler.
    **{
        f'{prefix}{key} = "main"': (
            f"`{shown}{key}` cannot be chosen: what Lambda starts is named `bootstrap`\n"
            "  at: lambdabuild.toml\n"
            f"  hint: take the key away, and {MIGRATION}"
        )
        for prefix, shown in (("", ""), ("functions.x.", 'functions."x".'))
        for key in ("handler", "executable", "binary")
    },
    **{
        f"{prefix}{key} = {value}": (
            f"`{shown}{key}` is neither true nor false\n"
            "  at: lambdabuild.toml\n"
            f"  hint: write `{key} = true`"
        )
        for prefix, shown in (("", ""), ("functions.x.", 'functions."x".'))
        for key, value in (("zip", '"true"'), ("sbom", "1"))
    },
    **{
        f"functions.x.assets = ['a', '{pattern}']": (
            f'`functions."x".assets` has `{pattern}`, which {problem}\n'
            "  at: lambdabuild.toml\n"
            f"  hint: {remedy}"
        )
        for pattern, problem, remedy in (
            ("", "names no file", INSIDE),
            ("/etc/*", "is absolute", INSIDE),
            ("a/../../b", "leaves the function's directory", INSIDE),
            (
                "Bootstrap",
                "would take the place of the executable",
                "the executable is packed anyway; give an asset another name",
            ),
        )
    },
    'runtime = "provided.al2024"': (
        "`provided.al2024` is not a runtime that runs Go executables\n"
        "  at: lambdabuild.toml, key `runtime`\n"
        "  hint: did you mean `provided.al2023`?"
    ),
    'functions.x.runtime = "python3.13"': (
        "`python3.13` is not a runtime that runs Go executables\n"
        '  at: lambdabuild.toml, key `functions."x".runtime`\n'
        "  hint: use `provided.al2023` or `provided.al2`"
    ),
    'cgo = "1"': (
        "`cgo` is neither true nor false\n  at: lambdabuild.toml\n  hint: write `cgo = true`"
    ),
    "functions.x.cgo = 1": (
        '`functions."x".cgo` is neither true nor false\n'
        "  at: lambdabuild.toml\n"
        "  hint: write `cgo = true`"
    ),
    'layer_libraries = "libpq.so.5"': (
        "`layer_libraries` is not a list of strings\n"
        "  at: lambdabuild.toml\n"
        '  hint: write `layer_libraries = ["…"]`'
    ),
    **{
        f"functions.x.layer_libraries = ['{name}']": (
            f'`functions."x".layer_libraries` has `{name}`, which is not the name of a library\n'
            "  at: lambdabuild.toml\n"
            "  hint: name each as the executable asks for it, such as `libpq.so.5`"
        )
        for name in ("", "/opt/lib/libpq.so.5")
    },
    "functions = []": (
        "`functions` is not a table\n"
        "  at: lambdabuild.toml\n"
        "  hint: write `[functions]` above its keys"
    ),
    "functions.x = 1": (
        '`functions."x"` is not a table\n  at: lambdabuild.toml\n  hint: write `[functions."x"]`'
    ),
    "functions.x.tags = 1": (
        '`functions."x".tags` is not a list of strings\n'
        "  at: lambdabuild.toml\n"
        '  hint: write `tags = ["…"]`'
    ),
    "functions.x.assets = 'a'": (
        '`functions."x".assets` is not a list of strings\n'
        "  at: lambdabuild.toml\n"
        '  hint: write `assets = ["…"]`'
    ),
    "functions.x.directory = ['a']": (
        '`functions."x".directory` is not a string\n'
        "  at: lambdabuild.toml\n"
        '  hint: write `directory = "…"`'
    ),
    "functions.x.env = 'a'": (
        '`functions."x".env` is not a table\n'
        "  at: lambdabuild.toml\n"
        '  hint: write `[functions."x".env]` above its keys'
    ),
    **{
        f"functions.'{name}' = {{}}": (
            f"`{name}` cannot be the name of a function\n"
            "  at: lambdabuild.toml\n"
            "  hint: a name becomes a directory under `out`; join its parts with `-`"
        )
        for name in ("", ".", "..", "users/get")
    },
    "environment.TABLE = 1": (
        '`environment.TABLE` is not a string\n  at: lambdabuild.toml\n  hint: write `TABLE = "1"`'
    ),
    "functions.x.environment = 'a'": (
        '`functions."x".environment` is not a table\n  at: lambdabuild.toml\n'
        '  hint: write `[functions."x".environment]` above its keys'
    ),
    "timeout = '3s'": (
        "`timeout` is not a whole number\n  at: lambdabuild.toml\n  hint: write `timeout = 10`"
    ),
    "timeout = 901": (
        "`timeout` is 901\n  at: lambdabuild.toml\n  hint: Lambda takes 1 to 900 seconds"
    ),
    "memory = 64": ("`memory` is 64\n  at: lambdabuild.toml\n  hint: Lambda takes 128 to 10240 MB"),
    "functions.x.concurrency = 0": (
        '`functions."x".concurrency` is 0\n  at: lambdabuild.toml\n  hint: it can be 1 to 1000'
    ),
    "env = 'GOAMD64=v1'": (
        "`env` is not a table\n  at: lambdabuild.toml\n  hint: write `[env]` above its keys"
    ),
    "env.GOAMD64 = 1": (
        '`env.GOAMD64` is not a string\n  at: lambdabuild.toml\n  hint: write `GOAMD64 = "1"`'
    ),
    "env.GOAMD64 = 'v9'": (
        "`env.GOAMD64` is v1, v2, v3 or v4, not `v9`\n"
        "  at: lambdabuild.toml\n"
        "  hint: Lambda has AVX2, which is v3: "
        "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-avx2.html"
    ),
    "functions.x.env.CGO_ENABLED = 0": (
        '`functions."x".env.CGO_ENABLED` is not a string\n'
        "  at: lambdabuild.toml\n"
        '  hint: write `CGO_ENABLED = "0"`'
    ),
    **{
        text: (
            f"`{key}` holds a NUL character, which nothing can that is passed to the system\n"
            "  at: lambdabuild.toml\n"
            "  hint: take it out"
        )
        for text, key in (
            (r'out = "d\u0000"', "out"),
            (r'roots = ["a", "\u0000"]', "roots"),
            (r'exclude = ["a\u0000"]', "exclude"),
            (r'cache = "file:///a\u0000"', "cache"),
            (r'tags = ["\u0000a"]', "tags"),
            (r'ldflags = "-s\u0000"', "ldflags"),
            (r'gcflags = "-s\u0000"', "gcflags"),
            (r'functions.x.directory = "a\u0000b"', "functions.x.directory"),
            (r'functions.x.layer_libraries = ["a\u0000b"]', "functions.x.layer_libraries"),
            (r'functions."a\u0000b".zip = true', "functions.a\0b"),
        )
    },
    f"a = {'[' * 3_000}{']' * 3_000}": "this is nested too deeply\n  at: lambdabuild.toml",
    # What no process can be started with.
    r'env.A = "a\u0000b"': (
        "`env.A` cannot be the value of a variable\n"
        "  at: lambdabuild.toml\n"
        "  hint: a value holds no NUL character"
    ),
    **{
        f'functions.x.env."{written}" = "x"': (
            f'`functions."x".env.{name}` cannot be the name of a variable\n'
            "  at: lambdabuild.toml\n"
            "  hint: a name is not empty, and holds neither `=` nor a NUL character"
        )
        for written, name in (("A=B", "A=B"), ("", ""), (r"A\u0000", "A\0"))
    },
    **{
        f"env.{name} = 'x'": (
            f"`env.{name}` is lambdabuild's to set\n  at: lambdabuild.toml\n  hint: {hint}"
        )
        for name, hint in ENV_HINTS.items()
    },
}


def test_a_number_with_more_digits_than_python_reads_is_refused() -> None:
    told = failure(f"max_size = 1{'0' * 5_000}")
    assert told.startswith("this cannot be read: Exceeds the limit (4300 digits)")


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:40])
def test_what_is_wrong_is_refused_with_file_key_and_remedy(text: str) -> None:
    assert failure(text) == REFUSED[text]


@pytest.mark.parametrize("text", ["roots", "roots = [", "out = 'a'\nout = 'b'", "= 1"])
def test_what_is_no_toml_is_refused_with_what_the_parser_says(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    said = re.sub(r" \(at line .*", "", str(caught.value))
    said = said[0].lower() + said[1:]
    assert failure(text) == f"this is not TOML: {said}\n  at: {SOURCE}"


@given(texts)
def test_arbitrary_text_is_a_configuration_or_an_error_for_people(text: str) -> None:
    try:
        parse_config(text, SOURCE)
    except LambdabuildError as error:
        assert error.at[0].startswith(SOURCE)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("text", "target"), [("x86_64", X86_64), ("amd64", X86_64), ("arm64", ARM64)]
)
def test_an_architecture_goes_by_the_names_of_lambda_and_of_go(text: str, target: Target) -> None:
    assert parse_architecture(text) == target


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("x86-64", "did you mean `x86_64`?"),
        ("X64", "did you mean `x86_64`?"),
        ("AArch64", "did you mean `arm64`?"),
        ("armv8", "did you mean `arm64`?"),
        ("amd46", "did you mean `amd64`?"),
        ("arm", "did you mean `arm64`?"),
        ("", "use `x86_64` or `arm64`"),
        ("riscv", "use `x86_64` or `arm64`"),
    ],
)
def test_an_architecture_that_lambda_has_not_is_refused(text: str, hint: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        parse_architecture(text)
    assert str(caught.value) == (f"`{text}` is not an architecture that Lambda has\n  hint: {hint}")


@given(st.from_regex(r"[a-z0-9]+/[a-z0-9]+", fullmatch=True))
def test_a_target_reads_back_as_it_is_written(text: str) -> None:
    assert str(parse_target(text)) == text


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/arm64", "linux/arm64/v8", "linux arm64"])
def test_what_is_not_goos_slash_goarch_is_no_target(text: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        parse_target(text)
    assert str(caught.value) == (
        f"`{text}` is not a target\n"
        "  hint: write GOOS/GOARCH, such as `linux/arm64`; `go tool dist list` names them all"
    )


def test_a_runtime_goes_by_the_name_of_lambda() -> None:
    assert [parse_runtime(name) for name in ("provided.al2023", "provided.al2")] == [
        Runtime.AL2023,
        Runtime.AL2,
    ]


@pytest.mark.parametrize("runtime", ["go1.x", "provided"])
def test_the_error_about_a_retired_runtime_tells_the_migration(runtime: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        parse_runtime(runtime)
    assert str(caught.value) == (
        f"the runtime `{runtime}` was retired by AWS, and has no arm64\n  hint: {MIGRATION}"
    )


def test_without_any_word_of_anybody_the_defaults_hold() -> None:
    settled = Settings().of("users-get")
    assert settled == BuildSettings(
        targets=(X86_64,), runtime=Runtime.AL2023, tags=("lambda.norpc",), ldflags="-s -w"
    )
    assert settled.flags == Flags(("lambda.norpc",), "-s -w", None)


said = st.fixed_dictionaries(
    {},
    optional={
        "targets": st.lists(st.sampled_from([X86_64, ARM64]), min_size=1).map(tuple),
        "runtime": st.sampled_from(Runtime),
        "tags": st.lists(texts).map(tuple),
        "ldflags": texts,
        "gcflags": texts,
        "environment": st.dictionaries(st.sampled_from("ABCD"), texts),
        "cgo": st.booleans(),
        "layer_libraries": st.lists(texts).map(tuple),
        "zip": st.booleans(),
        "sbom": st.booleans(),
    },
)


@given(flags=said, table=said, top=said)
def test_a_flag_beats_the_table_which_beats_the_top_level_which_beats_the_default(
    flags: dict[str, Any], table: dict[str, Any], top: dict[str, Any]
) -> None:
    config = Config(choices=top, functions={"users-get": table})
    variables: dict[str, str] = {}
    for place in (top, table, flags):
        variables |= place.get("environment", {})
    environment = tuple(sorted(variables.items()))
    settings = Settings(config, flags)
    for field in BuildSettings._fields:
        default = getattr(BuildSettings(), field)
        first = next((p[field] for p in (flags, table, top) if field in p), default)
        expected = environment if field == "environment" else first
        assert getattr(settings.of("users-get"), field) == expected


local = st.fixed_dictionaries(
    {},
    optional={
        "variables": st.dictionaries(st.sampled_from("ABCD"), texts),
        "timeout": st.integers(1, 900),
        "memory": st.integers(128, 10240),
        "concurrency": st.integers(1, 1000),
    },
)


@given(table=local, top=local, built=said)
def test_the_table_beats_the_top_level_where_a_function_runs_here(
    table: dict[str, Any], top: dict[str, Any], built: dict[str, Any]
) -> None:
    settings = Settings(Config(choices={**top, **built}, functions={"users-get": table}))
    merged = {**top, **table}
    merged["variables"] = tuple(
        sorted({**top.get("variables", {}), **table.get("variables", {})}.items())
    )
    assert settings.local_of("users-get") == LocalSettings(**merged)


@given(local, local)
def test_how_a_function_runs_here_is_no_setting_of_its_build(
    table: dict[str, Any], top: dict[str, Any]
) -> None:
    settings = Settings(Config(choices=top, functions={"users-get": table}))
    assert settings.of("users-get") == Settings().of("users-get")
    assert settings.variants() == (BuildSettings(),)


def test_without_any_word_of_anybody_deployment_files_say_how_a_function_runs() -> None:
    assert Settings().local_of("users-get")[:4] == ((), None, None, 10)


def test_the_assets_of_a_function_are_those_of_its_table() -> None:
    config = parse_config('functions.users-get.assets = ["a", "b/*"]', SOURCE)
    settings = Settings(config)
    assert settings.of("users-get").assets == ("a", "b/*")
    assert settings.of("users-list").assets == ()


def test_the_table_of_one_function_says_nothing_of_another() -> None:
    config = Config(functions={"users-get": {"runtime": Runtime.AL2}})
    settings = Settings(config)
    assert settings.of("users-list") == Settings().of("users-list")
    assert settings.of("users-get").runtime is Runtime.AL2


def test_each_setting_in_use_is_told_once_and_the_one_without_a_table_first() -> None:
    config = Config(
        functions={
            "a": {"targets": (ARM64,)},
            "b": {},
            "c": {"targets": (ARM64,)},
        }
    )
    settings = Settings(config)
    assert settings.variants() == (settings.of("any"), settings.of("a"))


def test_globs_of_the_command_line_exclude_beside_those_of_the_file() -> None:
    settings = Settings(Config(exclude=("internal-*",)), also_exclude=("*-slow",))
    assert settings.exclude == ("internal-*", "*-slow")
