from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from os.path import join, normpath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.naming import (
    Excluded,
    There,
    declares_main,
    excluded_by,
    function_name,
    idle,
    idle_hint,
    may_be_ignored,
    names_below,
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


LEGACY = [Excluded(f, "*legacy*") for f in found("legacy", "legacy/old", "users/get/legacy")]


def on_disk(*paths: str, working: str = "/shop") -> dict[str, There]:
    """Return what these words name on disk: a directory ends in a slash, a program's in two."""
    return {
        path.removesuffix("/") if path.endswith("//") else path: There(
            normpath(join(working, path)), path.endswith("/"), path.endswith("//")
        )
        for path in paths
    }


def selected(
    *words: str, working: str = "/shop", there: Mapping[str, There] | None = None
) -> list[str]:
    if there is None:
        there = on_disk(*words, working=working)
    meant = select(words, SHOP, relative=shown(SHOP), working=working, excluded=LEGACY, there=there)
    return [function.name for function in meant.functions]


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
    ("word", "said"),
    [
        ("!user-get", "no function matches `user-get`\n  hint: did you mean `users-get`?"),
        # Several begin with it.
        ("!users", "no function matches `users`\n  hint: `users-*` matches 3 functions"),
        ("!thumbnails", "no function matches `thumbnails`\n  hint: `lambdabuild list` shows all"),
        ("!zz-*", "no function matches `zz-*`\n  hint: `lambdabuild list` shows all"),
        # Where nothing is (`!`), what is above it is not meant.
        ("!api/users/gte", "no function matches `api/users/gte`: there is no such file or "
                          "directory\n  hint: did you mean `api/users/get`?"),
        ("!api/users/get/mian.go", "no function matches `api/users/get/mian.go`: there is no"),
        ("!./orders/nope", "no function matches `./orders/nope`: there is no such file or"),
        ("!../nowhere", "no function matches `../nowhere`: there is no such file or directory"),
        ("!/elsewhere", "no function matches `/elsewhere`: there is no such file or directory\n"
                       "  hint: `lambdabuild list` shows all there are"),
        ("!", "an empty word names no function\n  hint: is a variable empty that should name one?"),
        # What is there, and in no function.
        ("internal/auth.go", "`internal/auth.go` is no function, and in none\n  hint: `lambdabuild "
                             "why --file internal/auth.go` names the functions that depend on it"),
        ("api/README.md", "`api/README.md` is no function, and in none\n  hint: `lambdabuild list` "
                          "shows all there are"),
        ("internal/", "`internal/` is no function, and in none\n  hint: `lambdabuild list` shows"),
        # A program that Go does not list, though it lies in a function.
        ("api/orders/vendor/create//", "what is in `api/orders/vendor/create/` is not built\n"
                                       "  hint: `lambdabuild list --skipped` gives the reason"),
        ("api/_drafts//", "what is in `api/_drafts/` is not built\n  hint: `lambdabuild list --sk"),
        # What is excluded, by name, glob or path.
        ("!legacy", "the function `legacy` is excluded\n  hint: the glob `*legacy*` excludes it; "
                   "take it away to build the function"),
        ("!legacy-*", "the function `legacy-old` is excluded\n  hint: the glob `*legacy*` excludes"),
        ("api/legacy/", "the functions `legacy`, `legacy-old` are excluded\n"
                        "  hint: that is by `*legacy*`; take it away to build them"),
        ("api/legacy/old/main.go", "the function `legacy-old` is excluded\n  hint: the glob"),
        ("api/users/get/legacy/x.go", "the function `users-get-legacy` is excluded\n  hint: the"),
    ],
)  # fmt: skip
def test_a_word_that_means_no_function_is_refused(word: str, said: str) -> None:
    there = {} if word.startswith("!") else on_disk(word)
    word = next(iter(there), word.removeprefix("!"))
    with pytest.raises(LambdabuildError) as caught:
        selected("users-get", word, there=there)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("api/users/get/main.go", "users-get"),
        ("api/users/get/internal/x/", "users-get"),
        ("api/orders/mail.html", "orders"),
        ("api/orders", None),
        ("api/users/", None),
        ("orders", None),
    ],
)
def test_what_only_lies_in_a_function_means_that_and_says_so(word: str, name: str | None) -> None:
    meant = select([word], SHOP, relative=shown(SHOP), working="/shop", there=on_disk(word))
    assert meant.inside == ({word: name} if name else {})
    assert name is None or [function.name for function in meant.functions] == [name]


def test_a_path_through_a_symbolic_link_means_what_it_leads_to() -> None:
    there = {"link/get": There("/shop/api/users/get", directory=True)}
    assert selected("link/get", there=there) == ["users-get"]


KNOWN = [("users-get", "api/users/get"), ("legacy-old", "api/legacy/old")]


@pytest.mark.parametrize(
    ("glob", "hint"),
    [
        ("users-get", None),
        ("api/*/old", None),
        ("legcy-old", "did you mean `legacy-old`?"),
        ("api/user/get", "did you mean `api/users/get`?"),
        ("api/legacy", "no function is in that very directory; `api/legacy/*` is for those below it"),
        ("api", "no function is in that very directory; `api/*` is for those below it"),
        ("zzz", "a glob means names of functions, as `lambdabuild list` shows them, or their "
                "directories"),
    ],
)  # fmt: skip
def test_a_glob_that_excludes_nothing_is_told_with_the_near_miss(
    glob: str, hint: str | None
) -> None:
    assert idle([glob, "users-*"], KNOWN) == ([glob] if hint else [])
    assert hint is None or idle_hint(glob, KNOWN) == hint


@pytest.mark.parametrize(
    ("glob", "may"),
    [("api/_drafts/*", True), ("_drafts-x", True), ("api/.x", True), ("api/x/testdata/y", True),
     ("api/vendor/*", True), ("api/legacy/*", False), ("vendors-*", False), ("a_b", False)],
)  # fmt: skip
def test_a_glob_may_name_what_go_does_not_look_into(glob: str, *, may: bool) -> None:
    assert may_be_ignored(glob) is may


shops = st.lists(directories, min_size=1, max_size=6, unique=True).map(lambda d: found(*d))


@given(shops, st.data())
def test_functions_are_selected_once_each_in_their_own_order(
    functions: list[Function], data: st.DataObject
) -> None:
    words = data.draw(st.lists(st.sampled_from([f.name for f in functions])))
    chosen = select(words, functions, relative=shown(functions), working="/shop").functions
    assert chosen == [function for function in functions if function.name in words]


@given(shops, st.data())
def test_a_glob_selects_what_it_matches(functions: list[Function], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([f.name for f in functions]))
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(name)), st.integers(0, len(name)))))
    glob = f"{name[:start]}*{name[end:]}"
    chosen = select([glob], functions, relative=shown(functions), working="/shop").functions
    assert chosen == [function for function in functions if fnmatchcase(function.name, glob)]
    assert name in [function.name for function in chosen]


@given(shops, st.data())
def test_a_directory_selects_all_the_functions_in_it(
    functions: list[Function], data: st.DataObject
) -> None:
    directory = data.draw(st.sampled_from([f.directory for f in functions]))
    above = data.draw(st.sampled_from([directory, directory.rpartition("/")[0], ROOT]))
    there = on_disk(above, working="/")
    meant = select([above], functions, relative=shown(functions), working="/", there=there)
    assert meant.functions == [f for f in functions if f"{f.directory}/".startswith(f"{above}/")]


@given(shops, st.data(), elements)
def test_a_file_selects_the_nearest_function_around_it(
    functions: list[Function], data: st.DataObject, name: str
) -> None:
    directory = data.draw(st.sampled_from([f.directory for f in functions]))
    file = f"{directory}/{name}"
    assume(not any(f"{f.directory}/".startswith(f"{file}/") for f in functions))
    there = on_disk(file, working="/")
    meant = select([file], functions, relative=shown(functions), working="/", there=there)
    assert [function.directory for function in meant.functions] == [directory]


@pytest.mark.parametrize(
    ("directories", "names"),
    [
        ([], []),
        (["functions/get", "functions/put"], ["get", "put"]),
        (["cmd/lambda/a", "cmd/lambda/b/c"], ["a", "b-c"]),
        (["appointments/cmd/main", "users/cmd/main"], ["appointments", "users"]),
        (["a/main", "b"], ["a", "b"]),
        # Without it, two would have one name.
        (["a", "a/main", "b/main"], ["a", "a-main", "b"]),
        (["a/cmd", "a/main"], ["cmd", "main"]),
        # One alone is called as its directory, and at the top as the module.
        (["cmd/lambda/get"], ["get"]),
        (["service/cmd/main"], ["service"]),
        (["."], ["shop"]),
        (["cmd"], ["shop"]),
        (["main"], ["shop"]),
        ([".", "jobs/nightly"], ["shop", "jobs-nightly"]),
        (["functions", "functions/a"], ["functions", "a"]),
    ],
)
def test_functions_found_anywhere_are_named_from_what_they_have_in_common(
    directories: list[str], names: list[str]
) -> None:
    paths = [normpath(f"/home/me/checkout-7/{directory}") for directory in directories]
    named = names_below(paths, "/home/me/checkout-7", "example.com/shop/v2")
    assert [named[path] for path in paths] == names


def test_a_function_at_the_top_of_no_known_module_is_named_after_its_directory() -> None:
    assert names_below(["/home/me/shop"], "/home/me/shop", None) == {"/home/me/shop": "shop"}


@given(st.sets(st.lists(st.sampled_from(["a", "b", "main", "cmd"]), max_size=4).map("/".join)))
def test_no_two_functions_found_anywhere_have_one_path(places: set[str]) -> None:
    paths = [normpath(f"/p/{place}") for place in places]
    named = names_below(paths, "/p", "m")
    assert named.keys() == set(paths)
    assert all(name and "/" not in name for name in named.values())


def test_a_directory_that_means_the_same_as_a_glob_is_named_as_well() -> None:
    functions = found("users/get", "users/list", "users/admin/list", "carts/get")
    with pytest.raises(LambdabuildError) as caught:
        select(["users"], functions, relative=shown(functions), working="/shop")

    assert caught.value.hint == "`users-*` matches 3 functions, `api/users` does too"
