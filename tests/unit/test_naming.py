from collections.abc import Sequence
from fnmatch import fnmatchcase

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.errors import LambdabuildError
from lambdabuild.model import Function
from lambdabuild.naming import (
    declares_main,
    excluded_by,
    function_name,
    refuse_collisions,
    select,
)
from tests.unit.values import directories, elements, names

ROOT = "/shop/api"
HINT = "name one of them in lambdabuild.toml, under [functions], or exclude it"


def found(*below: str) -> list[Function]:
    """Return the functions in these directories below the root, by name."""
    functions = [
        Function(function_name(f"{ROOT}/{path}", ROOT, {}), f"m/{path}", f"{ROOT}/{path}", "/shop")
        for path in below
    ]
    return sorted(functions, key=lambda function: function.name)


def shown(functions: Sequence[Function]) -> dict[str, str]:
    return {f.directory: f.directory.removeprefix("/shop/") for f in functions}


def collision(functions: Sequence[Function]) -> str:
    with pytest.raises(LambdabuildError) as caught:
        refuse_collisions(functions, shown(functions))
    return str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "package main\n\nfunc main() {}\n",
        "package main\nfunc  main ( ) {}",
        "package main // func\nfunc main() {}",
        "package main\n/* a */ func main() {}",
        'package main\nvar s = "\\""\nfunc main() {}',
        "package main\nvar r = '\"'\nfunc main() {}",
        'package main\nvar s = `"`\nfunc main() {}',
    ],
)  # fmt: skip
def test_a_file_with_func_main_is_a_program(source: str) -> None:
    assert declares_main(source.encode())


@pytest.mark.parametrize(
    "source",
    [
        "",
        "package main\n",
        "package main\nfunc mainly() {}",
        "package main\nfunc (s server) main() {}",
        "package main\nfunc domain() {}",
        "package main\nvar main func()",
        "package main\n// func main() {}",
        "package main\n/*\nfunc main() {}\n*/",
        'package main\nconst s = "func main() {}"',
        "package main\nconst s = `\nfunc main() {}\n`",
        'package main\nconst s = "\\" func main() {}"',
    ],
)  # fmt: skip
def test_func_main_in_a_comment_or_a_literal_makes_no_program(source: str) -> None:
    assert not declares_main(source.encode())


@given(st.binary())
def test_any_bytes_may_stand_in_a_go_file(source: bytes) -> None:
    assert declares_main(b"\nfunc main() {}\n" + source)
    assert not declares_main(b"/*" + source.replace(b"*/", b"") + b"func main() {}*/")


@given(directories)
def test_a_function_is_named_after_its_directory_below_the_root(path: str) -> None:
    assert function_name(f"{ROOT}/{path}", ROOT, {}) == path.replace("/", "-")


def test_the_root_itself_is_named_after_its_directory() -> None:
    assert function_name("/shop/cmd/migrate", "/shop/cmd/migrate", {}) == "migrate"


def test_the_configuration_may_name_the_function_of_a_directory() -> None:
    named = {f"{ROOT}/invoices/v2": "billing"}
    assert function_name(f"{ROOT}/invoices/v2", ROOT, named) == "billing"
    assert function_name(f"{ROOT}/invoices", ROOT, named) == "invoices"


# Few letters and few elements, so that some sets collide.
tight = st.lists(st.sampled_from(["a", "A", "b", "a-b"]), min_size=1, max_size=3).map("/".join)


@given(st.sets(tight | directories, max_size=8))
def test_all_names_differ_whatever_the_case_or_the_collision_is_refused(paths: set[str]) -> None:
    functions = found(*paths)
    folded = {function.name.casefold() for function in functions}
    if len(folded) == len(functions):
        refuse_collisions(functions, shown(functions))
    else:
        assert collision(functions).endswith(f"\n  hint: {HINT}")


def test_two_directories_of_one_name_are_refused() -> None:
    assert collision(found("users-get", "users/get")) == (
        "two functions are named `users-get`\n"
        "  at: api/users/get and api/users-get\n"
        f"  hint: {HINT}"
    )


def test_two_names_that_differ_only_in_case_are_refused() -> None:
    assert collision(found("users/Get", "users/get", "orders")) == (
        "the names `users-Get` and `users-get` differ only in case\n"
        "  at: api/users/Get and api/users/get\n"
        f"  hint: {HINT}"
    )


def test_the_same_function_twice_is_no_collision() -> None:
    functions = found("users/get") * 2
    refuse_collisions(functions, shown(functions))


@given(names, directories, st.lists(st.text("ab*?[]!-/", max_size=5)))
def test_the_first_glob_that_matches_name_or_directory_excludes(
    name: str, directory: str, patterns: list[str]
) -> None:
    matching = [p for p in patterns if fnmatchcase(name, p) or fnmatchcase(directory, p)]
    assert excluded_by(name, directory, patterns) == next(iter(matching), None)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], None),
        (["orders-*", "users-*", "*"], "users-*"),
        (["api/users/*"], "api/users/*"),
        (["Users-*"], None),
        (["users"], None),
    ],
)
def test_a_glob_excludes_by_name_or_by_directory(patterns: list[str], expected: str | None) -> None:
    assert excluded_by("users-get", "api/users/get", patterns) == expected


SHOP = found("carts/get", "orders", "orders/create", "users/get", "users/list", "users-admin")


def selected(*words: str, working: str = "/shop") -> list[str]:
    functions = select(words, SHOP, relative=shown(SHOP), working=working, excluded={})
    return [function.name for function in functions]


@pytest.mark.parametrize(
    ("words", "working", "expected"),
    [
        (["users-get"], "/shop", ["users-get"]),
        (["users-*"], "/shop", ["users-admin", "users-get", "users-list"]),
        (["[co]*"], "/shop", ["carts-get", "orders", "orders-create"]),
        (["*-get", "users-get"], "/shop", ["carts-get", "users-get"]),
        (["users-list", "carts-get"], "/shop", ["carts-get", "users-list"]),
        (["api/users"], "/shop", ["users-get", "users-list"]),
        (["./api/users/"], "/shop", ["users-get", "users-list"]),
        (["/shop/api/users/get"], "/anywhere", ["users-get"]),
        (["api/users/get/main.go"], "/shop", ["users-get"]),
        (["api/orders/create/templates/mail.html"], "/shop", ["orders-create"]),
        (["api/orders/mail.html"], "/shop", ["orders"]),
        (["get"], "/shop/api/users", ["users-get"]),
        (["."], "/shop/api/users", ["users-get", "users-list"]),
        (["."], "/shop/api/users/get/templates", ["users-get"]),
        (["../list"], "/shop/api/users/get", ["users-list"]),
        (["../../../.."], "/shop/api/users", [function.name for function in SHOP]),
        # A name goes before a directory.
        (["orders"], "/shop/api", ["orders"]),
        (["./orders"], "/shop/api", ["orders", "orders-create"]),
    ],
)
def test_names_globs_directories_and_files_select_functions(
    words: list[str], working: str, expected: list[str]
) -> None:
    assert selected(*words, working=working) == expected


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("user-get", "did you mean `users-get`?"),
        ("api/users/gte", "did you mean `api/users/get`?"),
        ("thumbnails", "`lambdabuild list` shows all there are"),
        ("zz-*", "`lambdabuild list` shows all there are"),
        ("/elsewhere", "`lambdabuild list` shows all there are"),
    ],
)
def test_a_word_that_means_no_function_is_refused(word: str, hint: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        selected("users-get", word)
    assert str(caught.value) == f"no function matches `{word}`\n  hint: {hint}"


def test_the_name_of_an_excluded_function_is_refused_with_the_glob() -> None:
    with pytest.raises(LambdabuildError) as caught:
        select(
            ["internal-migrate"],
            SHOP,
            relative=shown(SHOP),
            working="/shop",
            excluded={"internal-migrate": "internal-*"},
        )
    assert str(caught.value) == (
        "the function `internal-migrate` is excluded\n"
        "  hint: the glob `internal-*` excludes it; take it away to build the function"
    )


shops = st.lists(directories, min_size=1, max_size=6, unique=True).map(lambda d: found(*d))


@given(shops, st.data())
def test_functions_are_selected_once_each_in_their_own_order(
    functions: list[Function], data: st.DataObject
) -> None:
    words = data.draw(st.lists(st.sampled_from([f.name for f in functions])))
    chosen = select(words, functions, relative=shown(functions), working="/shop", excluded={})
    assert chosen == [function for function in functions if function.name in words]


@given(shops, st.data())
def test_a_glob_selects_what_it_matches(functions: list[Function], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([f.name for f in functions]))
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(name)), st.integers(0, len(name)))))
    glob = f"{name[:start]}*{name[end:]}"
    chosen = select([glob], functions, relative=shown(functions), working="/shop", excluded={})
    assert chosen == [function for function in functions if fnmatchcase(function.name, glob)]
    assert name in [function.name for function in chosen]


@given(shops, st.data())
def test_a_directory_selects_all_the_functions_in_it(
    functions: list[Function], data: st.DataObject
) -> None:
    directory = data.draw(st.sampled_from([f.directory for f in functions]))
    above = data.draw(st.sampled_from([directory, directory.rpartition("/")[0], ROOT]))
    chosen = select([above], functions, relative=shown(functions), working="/", excluded={})
    assert chosen == [f for f in functions if f"{f.directory}/".startswith(f"{above}/")]


@given(shops, st.data(), elements)
def test_a_file_selects_the_nearest_function_around_it(
    functions: list[Function], data: st.DataObject, name: str
) -> None:
    directory = data.draw(st.sampled_from([f.directory for f in functions]))
    file = f"{directory}/{name}"
    assume(not any(f"{f.directory}/".startswith(f"{file}/") for f in functions))
    chosen = select([file], functions, relative=shown(functions), working="/", excluded={})
    assert [function.directory for function in chosen] == [directory]
