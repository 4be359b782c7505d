"""What is said and what helps; tests/e2e/test_remedies.py follows what can be followed."""

import pytest

from lambdabuild.golang.remedies import position_in_module_file, remedy_for

# What Go 1.22 and Go 1.26 say, word for word.
PARSING = "go: errors parsing go.mod:\n"
VENDORING = """\
go: inconsistent vendoring in /shop:
	example.com/x@v0.1.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt

	To ignore the vendor directory, use -mod=readonly or -mod=mod.
	To sync the vendor directory, run:
		go {} vendor"""
MISMATCH = """\
verifying example.com/far@v1.0.0{}: checksum mismatch
	downloaded: h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
	go.sum:     h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F1=

SECURITY ERROR
This download does NOT match an earlier download recorded in go.sum.
The bits may have been replaced on the origin server, or an attacker may
have intercepted the download attempt.
"""
FAR = "example.com/far@v1.0.0: "
ZIP = "/example.com/far/@v/v1.0.0.zip"
USAGE = "usage: link [options] main.o"


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        (VENDORING.format("mod"), "run `go mod vendor`, "),
        (VENDORING.format("work"), "run `go work vendor`, "),
        ("go: cannot load module gone listed in go.work file: open gone/go.mod: no such file or "
         "directory", "`go work edit -dropuse=./gone`"),
        ("go: cannot load module ../a/b listed in go.work file: open ../a/b/go.mod: no such file or "
         "directory", "`go work edit -dropuse=../a/b`"),
        ("go: cannot load module two listed in go.work file: errors parsing two/go.mod:\n"
         "two/go.mod:4: unknown directive: requre",
         "correct line 4 of two/go.mod: did you mean `require`?"),
        ("go: errors parsing go.work:\ngo.work:3: unknown directive: uze",
         "correct line 3 of go.work: did you mean `use`?"),
        ("go: reading go.work: /shop/go.work:3: unknown directive: uze",
         "correct line 3 of /shop/go.work: did you mean `use`?"),
        (f"{PARSING}go.mod:1: unexpected input character '\\ufeff'",
         "save go.mod without a byte order mark"),
        (f"{PARSING}go.mod:1:4: unexpected input character '\\x00'", "save go.mod as UTF-8"),
        (f"{PARSING}go.mod:3: unknown directive: <<<<<<<\ngo.mod:5: unknown directive: =======",
         "go.mod has a merge conflict: resolve it"),
        (f"{PARSING}go.mod:5: unknown directive: ignore",
         "`ignore` is for Go 1.25 and later: build with one, or take line 5 out of go.mod"),
        ("go: open /shop/api/go.mod: permission denied",
         "let the user that runs lambdabuild read /shop/api/go.mod"),
        (f"{PARSING}go.mod:5: unknown directive: nonsense", "correct line 5 of go.mod"),
        (f"{PARSING}go.mod:3: invalid go version 'x': must match format 1.23.0",
         "correct line 3 of go.mod"),
        ("go: updates to go.mod needed; to update it:\n\tgo mod tidy", "run `go mod tidy`"),
        ("go: module one listed in go.work file requires go >= 1.22.5, but go.work lists go 1.21; "
         "to update it:\n\tgo work use", "run `go work use`"),
        ("go: error reading go.mod: missing module declaration. To specify the module path:\n"
         "\tgo mod edit -module=example.com/mod", "run `go mod edit -module=example.com/mod`"),
        ("missing go.sum entry for module providing package example.com/far (imported by m/api/a); "
         "to add:\n\tgo get m/api/a", "`go mod tidy` adds what is missing; commit go.sum"),
        ("missing go.sum entry for go.mod file; to add it:\n\tgo mod download example.com/far",
         "`go mod tidy` adds what is missing; commit go.sum"),
        ("go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)",
         "`export GOTOOLCHAIN=auto`"),
        ("go: download go1.99.1 for linux/amd64: toolchain not available",
         "correct the lines `go` and `toolchain`"),
        ('go: cannot find "go1.99.0" in PATH', "`export GOTOOLCHAIN=auto`"),
        ("go: unsupported GOOS/GOARCH pair linux/z80", "`go tool dist list`"),
        ("go: parsing $GOFLAGS: unknown flag -zz", "`go help environment`"),
        # No shell runs in TOML.
        (USAGE, "to put into `--ldflags`"),
        (f"flag provided but not defined: -zz\n{USAGE}", "`go tool link -h`"),
        ("flag provided but not defined: -s\nusage: compile [options] file.go...",
         "`go tool compile -h`"),
        ('invalid value "-X \'main" for flag -ldflags: unterminated \' string\nusage: go build [-o '
         "output]", "the flags come from --tags"),
        ('error: unable to find dynamic system library "pq" using strategy paths_first. searched '
         "paths: none", '`env = { CGO_LDFLAGS = "-L/its/directory" }`'),
        ("/usr/bin/ld: cannot find -lpq: No such file or directory", "CGO_LDFLAGS"),
        ("fatal error: 'libpq-fe.h' file not found", '`env = { CGO_CFLAGS = "-I/its/directory" }`'),
        ("fatal error: libpq-fe.h: No such file or directory", "CGO_CFLAGS"),
        ('exec: "pkg-config": executable file not found in $PATH', "install pkg-config"),
        ("Package libpqx was not found in the pkg-config search path.", "PKG_CONFIG_PATH"),
        # Memory, not flags.
        ("fatal error: failed to reserve page summary memory", "memory or processes ran out"),
        ("runtime: failed to create new OS thread (have 2 already; errno=11)", "`-j 1` needs less"),
        ("fork/exec /go/compile: resource temporarily unavailable", "`-j 1` needs less"),
        *((f"{memory}\nusage: go build [-o output]\ninvalid value for flag -p", "`-j 1` needs less")
          for memory in (
              "go: error obtaining buildID for go tool compile: fork/exec /go/compile: cannot "
              "allocate memory",
              "runtime: out of memory: cannot allocate 4194304-byte block (0 in use)",
              "runtime: cannot map pages in arena address space",
              "runtime: mmap(0xc000400000, 4194304) returned 0x0, errno=12",
              "go: running compile failed: signal: killed",
          )),
        ("fork/exec /go/compile: cannot allocate memory", "`-j 1` needs less"),
    ],
)  # fmt: skip
def test_a_known_cause_has_its_remedy(said: str, helps: str) -> None:
    assert helps in str(remedy_for(said))


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        (MISMATCH.format(""), "`go clean -modcache`"),
        (MISMATCH.format("/go.mod"), "`go get example.com/far@VERSION`"),
        (f"{FAR}reading https://proxy.golang.org{ZIP}: 403 Forbidden\n\tserver response: no",
         "`export GOPRIVATE=example.com/far`"),
        (f"{FAR}reading https://proxy.golang.org{ZIP}: 404 Not Found", "GOPRIVATE=example.com/far"),
        (f"{FAR}reading https://proxy.golang.org{ZIP}: 410 Gone", "GOPRIVATE=example.com/far"),
        (f"{FAR}verifying module: {FAR}reading https://sum.golang.org/lookup/far: 404 Not Found",
         "GOPRIVATE=example.com/far"),
        (f"{FAR}reading http://127.0.0.1:8765{ZIP}: 407 Proxy Authentication Required",
         "`go env GOPROXY` names cannot be reached"),
        (f"{FAR}reading http://127.0.0.1:8765{ZIP}: 503 Service Unavailable", "cannot be reached"),
        (f'{FAR}Get "http://127.0.0.1:9{ZIP}": dial tcp 127.0.0.1:9: connect: connection refused',
         "`go env GOPROXY` names cannot be reached"),
        ('unrecognized import path "example.com/far": https fetch: Get "https://example.com/far": '
         "dial tcp: lookup example.com: no such host", "cannot be reached"),
        (f'{FAR}Get "https://proxy{ZIP}": tls: failed to verify certificate: x509: certificate '
         "signed by unknown authority", "cannot be reached"),
        ("module lookup disabled by GOPROXY=off", "GOPROXY=off downloads nothing"),
        (f"{FAR}reading file:///nonexistent{ZIP}: no such file or directory", "add it there"),
        (f"{FAR}invalid version: git ls-remote -q origin: exit status 128:\n\tfatal: could not read "
         "Username for 'https://example.com': terminal prompts disabled", "credentials"),
        ("git@example.com: Permission denied (publickey).", "credentials"),
        ("go: download go1.99.0: golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64: reading "
         "http://127.0.0.1/x.zip: 403 Forbidden", "wants credentials"),
    ],
)  # fmt: skip
def test_what_is_not_to_be_had_or_trusted_is_no_matter_of_tidiness(said: str, helps: str) -> None:
    remedy = str(remedy_for(f"api/a/main.go:3:8: {said}"))
    assert helps in remedy
    assert "tidy" not in remedy


@pytest.mark.parametrize(
    "said",
    [
        "declared and not used: x",
        "undefined: killedBy",
        'cannot use "usage: link" (untyped string constant) as int value in assignment',
        "no required module provides package example.com/nowhere; to add it:\n\tgo get example.com/nowhere",
        "example.com/x@v0.0.0: replacement directory ./gone does not exist",
        "main.answer: relocation target main.missing not defined",
    ],
)
def test_where_the_message_says_all_there_is_no_remedy(said: str) -> None:
    assert remedy_for(said) is None


@pytest.mark.parametrize(
    ("said", "file", "position"),
    [
        ("go: errors parsing go.mod:\ngo.mod:5: unknown directive: requre", "/shop/go.mod", (5, None)),
        ("go: errors parsing go.mod:\ngo.mod:1:4: unexpected", "/shop/go.mod", (1, 4)),
        ("go: cannot load module two listed in go.work file: errors parsing two/go.mod:\n"
         "two/go.mod:4: unknown directive: requre", "/shop/two/go.mod", (4, None)),
        ("go: errors parsing ../go.work:\n../go.work:3: unknown directive: uze", "/go.work", (3, None)),
        # As Go 1.22 says it.
        ("go: reading go.work: /shop/go.work:3: unknown directive: uze", "/shop/go.work", (3, None)),
        ("go: errors parsing ../my shop/go.mod:\n../my shop/go.mod:2: x", "/my shop/go.mod", (2, None)),
        ("go: updates to go.mod needed; to update it:\n\tgo mod tidy", None, None),
        ("api/main.go:3:8: missing go.sum entry", None, None),
    ],
)  # fmt: skip
def test_the_file_that_go_cannot_read_is_found(
    said: str, file: str | None, position: tuple[int, int | None] | None
) -> None:
    assert position_in_module_file(said, "/shop") == (file, *(position or (None, None)))
