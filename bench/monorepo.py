"""Write synthetic Go monorepos, of any number of functions, to measure builds of.

Generated rather than committed: 500 functions differ in one line each. What is drawn here is the
monorepo of the measurements: every function imports net/http and aws-lambda-go's `lambda` and
`events`, and some of five internal packages. How many functions a package is shared by decides what
an edit of it costs, so the five differ in just that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Layout = Literal["distinct", "handler"]

MODULE = "example.com/monorepo"

# The newest release that lets a `go 1.22` module require it (its own go.mod says 1.18), and what
# `go mod tidy` wrote for it: generating a monorepo needs neither Go nor the network.
_REQUIRE = "require github.com/aws/aws-lambda-go v1.54.0\n"
_GO_SUM = """\
github.com/aws/aws-lambda-go v1.54.0 h1:EGYpdyRGF88xszqlGcBewz811mJeRS+maNlLZXFheII=
github.com/aws/aws-lambda-go v1.54.0/go.mod h1:dpMpZgvWx5vuQJfBt0zqBha60q7Dd7RfgJv23DymV8A=
github.com/davecgh/go-spew v1.1.1 h1:vj9j/u1bqnvCEfJOwUhtlOARqs3+rkHYY13jYWTU97c=
github.com/davecgh/go-spew v1.1.1/go.mod h1:J7Y8YcW2NihsgmVo/mv3lAwl/skON4iLHjSsI+c5H38=
github.com/pmezard/go-difflib v1.0.0 h1:4DBwDE0NGyQoBHbLQYPwSUPoCMWR5BEzIk/f1lZbAQM=
github.com/pmezard/go-difflib v1.0.0/go.mod h1:iKH77koFhYxTK1pcRnkKkqfTogsbg7gZNVY4sRDYZ/4=
github.com/stretchr/testify v1.7.2 h1:4jaiDzPyXQvSd7D0EjG45355tLlV3VOECpq10pLC+8s=
github.com/stretchr/testify v1.7.2/go.mod h1:R6va5+xMeoiuVRoj+gSkQ7d3FALtqAAGI1FQKckRals=
gopkg.in/yaml.v3 v3.0.1 h1:fxVm/GzAzEWqLHuvctI91KS9hhNmmWOoWu0XTYJS7CA=
gopkg.in/yaml.v3 v3.0.1/go.mod h1:K4uyk7z7BCEPqu6E+C64Yfv1cQ7kz7rIZviUmN+EgEM=
"""

_HTTP = "events.APIGatewayV2HTTP"

# One line, the same in every generated file, for `edit` to find.
_REVISION = 'const revision = "{}"\n'


@dataclass(frozen=True, slots=True)
class InternalPackage:
    """One package under internal/: who imports it, and which of the others it imports."""

    name: str
    every: int
    imports: tuple[str, ...] = ()


# Counted from 0, so the first function imports all five however few there are. Of 50 functions
# billing reaches exactly 10, audit 2, logging all: nothing but audit imports billing, and the
# functions that import audit import billing anyway.
PACKAGES = (
    InternalPackage("logging", every=1),
    InternalPackage("store", every=2, imports=("logging",)),
    InternalPackage("auth", every=3, imports=("logging",)),
    InternalPackage("billing", every=5, imports=("logging", "store")),
    InternalPackage("audit", every=25, imports=("auth", "billing")),
)


@dataclass(frozen=True, slots=True)
class GeneratedFunction:
    """A function as generated: `name` as lambdabuild names it, `directory` from the module root."""

    name: str
    directory: str
    imports: tuple[str, ...]

    @property
    def source(self) -> str:
        """Name the function's only file."""
        return f"{self.directory}/main.go"


@dataclass(frozen=True, slots=True)
class Monorepo:
    """A monorepo on disk, and what a measurement may expect of it."""

    directory: Path
    functions: tuple[GeneratedFunction, ...]

    def dependants(self, package: str) -> tuple[GeneratedFunction, ...]:
        """Select the functions that import an internal package, directly or through another."""
        closures = _closures()
        return tuple(
            function
            for function in self.functions
            if any(package in closures[name] for name in function.imports)
        )


def generate(
    directory: Path,
    functions: int,
    *,
    layout: Layout = "distinct",
    std_only: bool = False,
    go: str = "1.22",
) -> Monorepo:
    """Write a monorepo of so many functions into `directory`, which need not exist.

    `layout` is "distinct" for api/fn-0001, or "handler" for api/fn-0001/handler, where plain
    `go build -o DIR/` lets functions overwrite each other. With `std_only` the functions import
    fmt and os alone, build in a fraction of the time and print their own name to stdout.
    """
    generated = tuple(_function(number, layout) for number in range(functions))
    package_text = _std_package if std_only else _aws_package
    main_text = _std_main if std_only else _aws_main
    files = {
        "go.mod": f"module {MODULE}\n\ngo {go}\n" + ("" if std_only else f"\n{_REQUIRE}"),
        **({} if std_only else {"go.sum": _GO_SUM}),
        **{package_source(package.name): package_text(package) for package in PACKAGES},
        **{function.source: main_text(function) for function in generated},
    }
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Monorepo(directory, generated)


def package_source(name: str) -> str:
    """Name the only file of an internal package, from the module root."""
    return f"internal/{name}/{name}.go"


def edit(file: Path, revision: str) -> None:
    """Change a generated file so that every binary it is part of changes.

    A comment would not do: with -trimpath and no DWARF it can leave the linked bytes as they were.
    """
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    prefix = _REVISION.split("{}", maxsplit=1)[0]
    edited = [_REVISION.format(revision) if line.startswith(prefix) else line for line in lines]
    file.write_text("".join(edited), encoding="utf-8")


def _function(number: int, layout: Layout) -> GeneratedFunction:
    base = f"fn-{number + 1:04}"
    parts = (base,) if layout == "distinct" else (base, "handler")
    return GeneratedFunction(
        name="-".join(parts),
        directory="/".join(("api", *parts)),
        imports=tuple(package.name for package in PACKAGES if number % package.every == 0),
    )


def _closures() -> Mapping[str, frozenset[str]]:
    """Map each internal package to itself and all it imports; PACKAGES lists imports first."""
    closures: dict[str, frozenset[str]] = {}
    for package in PACKAGES:
        closures[package.name] = frozenset({package.name}).union(
            *(closures[name] for name in package.imports)
        )
    return closures


def _imports(*groups: tuple[str, ...]) -> str:
    """Write an import declaration as gofmt leaves it, a blank line between the groups."""
    written = ("".join(f'\t"{path}"\n' for path in sorted(group)) for group in groups if group)
    return "import (\n" + "\n".join(written) + ")\n"


def _internal(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{MODULE}/internal/{name}" for name in names)


def _describe(names: tuple[str, ...], separator: str) -> str:
    return separator.join(f"{name}.Describe()" for name in names)


def _std_package(package: InternalPackage) -> str:
    return _package(package, ("fmt",), "")


def _aws_package(package: InternalPackage) -> str:
    standard, body = _AWS_BODIES[package.name]
    return _package(package, ("fmt", *standard), body)


def _package(package: InternalPackage, standard: tuple[str, ...], body: str) -> str:
    described = _describe(package.imports, ", ")
    arguments = f"revision, []string{{{described}}}"
    return f"""\
// Package {package.name} is imported by every function whose number, from 0, divides by \
{package.every}.
package {package.name}

{_imports(standard, _internal(package.imports))}
{_REVISION.format(0)}
// Describe tells the revision of this package, and of those it imports.
func Describe() string {{
	return fmt.Sprintf("{package.name} %s %v", {arguments})
}}
{body}"""


def _std_main(function: GeneratedFunction) -> str:
    # Names go to stdout, which a test compares; the rest only has to be linked in.
    return f"""\
package main

{_imports(("fmt", "os"), _internal(function.imports))}
{_REVISION.format(0)}
func main() {{
	fmt.Println("{function.name}")
	fmt.Fprintln(os.Stderr, revision, {_describe(function.imports, ", ")})
}}
"""


def _aws_main(function: GeneratedFunction) -> str:
    github = ("github.com/aws/aws-lambda-go/events", "github.com/aws/aws-lambda-go/lambda")
    return f"""\
package main

{_imports(("context", "net/http", "strings"), github, _internal(function.imports))}
{_REVISION.format(0)}
func handle(_ context.Context, request {_HTTP}Request) ({_HTTP}Response, error) {{
	described := []string{{"{function.name}", revision, {_describe(function.imports, ", ")}}}
	if request.RequestContext.HTTP.Method != http.MethodGet {{
		return {_HTTP}Response{{StatusCode: http.StatusMethodNotAllowed}}, nil
	}}
	return {_HTTP}Response{{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{{"Content-Type": "text/plain"}},
		Body:       strings.Join(described, "\\n"),
	}}, nil
}}

func main() {{
	logging.Started("{function.name}")
	lambda.Start(handle)
}}
"""


# What makes the packages of the aws-lambda-go variant believable: standard library to compile.
_AWS_BODIES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "logging": (
        ("log/slog", "os"),
        """
// Started logs, as JSON, that a function's process began.
func Started(name string) {
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("started", "function", name)
}
""",
    ),
    "store": (
        ("encoding/json", "net/http"),
        """
// Get fetches and decodes one record.
func Get(client *http.Client, url string, record any) error {
	response, err := client.Get(url)
	if err != nil {
		return fmt.Errorf("get %s: %w", url, err)
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(record)
}
""",
    ),
    "auth": (
        ("crypto/hmac", "crypto/sha256", "encoding/hex"),
        """
// Sign authenticates a message with a shared key.
func Sign(key, message string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}
""",
    ),
    "billing": (
        ("time",),
        """
// Due is when an invoice of that day has to be paid.
func Due(invoiced time.Time) time.Time {
	return invoiced.AddDate(0, 0, 30)
}
""",
    ),
    "audit": (
        ("time",),
        """
// Entry is one signed line of the audit log.
func Entry(key, action string, now time.Time) string {
	line := fmt.Sprintf("%s %s", now.Format(time.RFC3339), action)
	return line + " " + auth.Sign(key, line)
}
""",
    ),
}
