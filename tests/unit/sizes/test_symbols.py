"""Which package a symbol is of."""

import pytest

from lambdabuild.sizes.symbols import package_of


@pytest.mark.parametrize(
    ("symbol", "package"),
    [
        ("main.main", "main"),
        ("runtime.mheap_", "runtime"),
        ("net/http.(*Server).Serve", "net/http"),
        ("net/http.HandlerFunc.ServeHTTP", "net/http"),
        ("gopkg.in/yaml%2ev3.(*Node).Decode", "gopkg.in/yaml.v3"),
        ("github.com/DataDog/go-libddwaf/v4/internal/ruleset..gobytes.1",
         "github.com/DataDog/go-libddwaf/v4/internal/ruleset"),
        ("slices.SortFunc[go.shape.[]net/http.header,go.shape.int]", "slices"),
        ("sync/atomic.(*Pointer[os.dirInfo]).Load", "sync/atomic"),
        ("example.com/a..dict.F[int]", "example.com/a"),
        ("golang.org/x/net/trace..inittask", "golang.org/x/net/trace"),
        ("type:.eq.net/http.Cookie", "net/http"),
        ("type:.eq.[8]internal/cpu.option", "internal/cpu"),
        ("type:.eq.struct { a.F int }", ""),
        ("type:.hash.[3]*text/template/parse.item", "text/template/parse"),
        ("go:itab.*reflect.rtype,reflect.Type", "reflect"),
        ("type:*net/http.Server", ""),
        ('go:string."a.b"', ""),
        ("go:func.*", ""),
        ("$f64.3ff0000000000000", ""),
        ("_cgo_init", ""),
        ("memeqbody", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_package_of_a_symbol(symbol: str, package: str) -> None:
    assert package_of(symbol) == package
