"""Write the Go of a generated monorepo, as text: what its packages and functions hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["real", "small", "http", "large"]
"""What functions are: of net/http, aws-lambda-go and the internal packages; of fmt, os and those
alone, some 1.5 MB an executable; of net/http alone, and nothing shared; of fmt and os and a file of
10 MB, which makes 12 MB of each."""

MODULE = "example.com/monorepo"

# The newest release that lets a `go 1.22` module require it (its own go.mod says 1.18), and what
# `go mod tidy` wrote for it: generating a monorepo needs neither Go nor the network.
REQUIRE = "require github.com/aws/aws-lambda-go v1.54.0\n"
GO_SUM = """\
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

# One line, the same in every generated file, for `monorepo.edit` to find.
REVISION = 'const revision = "{}"\n'


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


def package_text(kind: Kind, package: InternalPackage) -> str:
    """Return the only file of an internal package."""
    if kind == "small":
        return _package(package, ("fmt",), "")
    standard, body = _AWS_BODIES[package.name]
    return _package(package, ("fmt", *standard), body)


def main_text(kind: Kind, name: str, imports: tuple[str, ...]) -> str:
    """Return the only file of a function."""
    if kind == "real":
        return _aws_main(name, imports)
    if kind == "http":
        return _http_main(name)
    return _std_main(name, (*imports, "ballast") if kind == "large" else imports)


def _imports(*groups: tuple[str, ...]) -> str:
    """Write an import declaration as gofmt leaves it, a blank line between the groups."""
    written = ("".join(f'\t"{path}"\n' for path in sorted(group)) for group in groups if group)
    return "import (\n" + "\n".join(written) + ")\n"


def _internal(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{MODULE}/internal/{name}" for name in names)


def _describe(names: tuple[str, ...], separator: str) -> str:
    return separator.join(f"{name}.Describe()" for name in names)


def _package(package: InternalPackage, standard: tuple[str, ...], body: str) -> str:
    described = _describe(package.imports, ", ")
    arguments = f"revision, []string{{{described}}}"
    return f"""\
// Package {package.name} is imported by every function whose number, from 0, divides by \
{package.every}.
package {package.name}

{_imports(standard, _internal(package.imports))}
{REVISION.format(0)}
// Describe tells the revision of this package, and of those it imports.
func Describe() string {{
	return fmt.Sprintf("{package.name} %s %v", {arguments})
}}
{body}"""


def _std_main(name: str, imports: tuple[str, ...]) -> str:
    return f"""\
package main

{_imports(("fmt", "os"), _internal(imports))}
{REVISION.format(0)}
func main() {{
	fmt.Println("{name}")
	fmt.Fprintln(os.Stderr, revision, {_describe(imports, ", ")})
}}
"""


def _aws_main(name: str, imports: tuple[str, ...]) -> str:
    github = ("github.com/aws/aws-lambda-go/events", "github.com/aws/aws-lambda-go/lambda")
    return f"""\
package main

{_imports(("context", "net/http", "strings"), github, _internal(imports))}
{REVISION.format(0)}
func handle(_ context.Context, request {_HTTP}Request) ({_HTTP}Response, error) {{
	described := []string{{"{name}", revision, {_describe(imports, ", ")}}}
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
	logging.Started("{name}")
	lambda.Start(handle)
}}
"""


def _http_main(name: str) -> str:
    return f"""\
package main

{_imports(("io", "net/http", "os"))}
{REVISION.format(0)}
func main() {{
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {{
		event, err := http.Get(base + "next")
		if err != nil {{
			os.Exit(1)
		}}
		io.Copy(io.Discard, event.Body)
		event.Body.Close()
		id := event.Header.Get("Lambda-Runtime-Aws-Request-Id")
		answer, err := http.Post(base+id+"/response", "{name}", http.NoBody)
		if err != nil {{
			os.Exit(1)
		}}
		answer.Body.Close()
		io.WriteString(os.Stderr, revision)
	}}
}}
"""


BALLAST = f"""\
// Package ballast makes executables large.
package ballast

import _ "embed"

//go:embed ballast.bin
var ballast string

{REVISION.format(0)}
// Describe tells the revision of this package, and how large the ballast is.
func Describe() string {{
	return revision + " " + string(ballast[len(ballast)-1])
}}
"""
BALLAST_BYTES = 10_500_000

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
