"""What the linker's `-dumpdep` says of methods that are called by name."""

from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.sizes.dependencies import Cause, Reached, read_dependencies

EVAL = "text/template.(*state).evalField"
START = ["_ -> _rt0_amd64_linux", "_rt0_amd64_linux -> runtime.main", "runtime.main -> main.main"]


def read(*lines: str) -> Reached:
    return read_dependencies(f"{line}\n" for line in lines)


def test_a_program_that_calls_no_method_by_name_has_no_cause() -> None:
    assert read(*START, "main.main -> fmt.Println", "# a heading") == Reached(symbols=4)


def test_where_the_linker_prints_nothing_there_is_nothing() -> None:
    assert read() == Reached(symbols=0)


def test_a_cause_comes_with_its_call_and_with_what_leads_to_it() -> None:
    found = read(
        *START,
        f"main.main -> {EVAL} <ReflectMethod>",
        f"{EVAL} <ReflectMethod> -> reflect.Value.NumMethod",
        f"{EVAL} <ReflectMethod> -> reflect.Value.MethodByName",
    )
    chain = ("_rt0_amd64_linux", "runtime.main", "main.main", EVAL)
    assert found == Reached((Cause(EVAL, "reflect.Value.MethodByName", chain),), (), 6)


def test_who_finds_the_call_already_reached_is_a_cause_without_one() -> None:
    found = read(
        *START,
        "main.main -> a.F <ReflectMethod>",
        "a.F <ReflectMethod> -> reflect.Value.Method",
        "main.main -> b.G <UsedInIface> <ReflectMethod>",
    )
    assert [(cause.function, cause.calls) for cause in found.causes] == [
        ("a.F", "reflect.Value.Method"), ("b.G", None),
    ]  # fmt: skip


def test_what_is_reached_once_methods_are_kept_follows() -> None:
    found = read(
        *START,
        "main.main -> type:*a.T <UsedInIface>",
        "main.main -> a.F <ReflectMethod>",
        "type:*a.T <UsedInIface> -> type:a.T",
        "type:*a.T <UsedInIface> -> runtime.memequal64·f",
        "type:*a.T <UsedInIface> -> a..stmp_1",
        "main.main -> a.G <ReflectMethod>",
        "type:*a.T <UsedInIface> -> a.(*T).Run",
        "a.(*T).Run -> b.H <ReflectMethod>",
    )
    assert [cause.function for cause in found.causes] == ["a.F", "a.G"]
    [follower] = found.followers
    assert (follower.function, follower.method) == ("b.H", "Run")


def test_methods_that_are_reached_before_are_no_end() -> None:
    """An interface calls one of them: then it is reached by its type, too."""
    found = read(
        *START,
        "main.main -> type:*a.T <UsedInIface>",
        "type:*a.T <UsedInIface> -> a.(*T).Run <ReflectMethod>",
    )
    [cause] = found.causes
    assert (cause.method, found.followers) == ("Run", ())


def test_a_type_that_is_met_again_keeps_what_led_to_it_first() -> None:
    found = read(
        "_ -> main.main", "main.main -> a.F", "a.F -> main.main", "a.F -> b.G <ReflectMethod>"
    )
    assert found.causes[0].chain == ("main.main", "a.F", "b.G")


SYMBOLS = st.sampled_from(["_", "a.F", "type:a.T", "a.T.M", "main.main", "x -> y", ""])
MARKS = st.sampled_from(
    ["", " <ReflectMethod>", " <UsedInIface>", " <UsedInIface> <ReflectMethod>"]
)


@given(st.lists(st.tuples(SYMBOLS, MARKS, st.sampled_from([" -> ", "->", ""]), SYMBOLS, MARKS)))
def test_any_lines_are_read_to_their_end(parts: list[tuple[str, ...]]) -> None:
    lines = ["".join(part) for part in parts]
    found = read(*lines)
    assert found.symbols == sum(" -> " in line for line in lines)
    for cause in (*found.causes, *found.followers):
        assert cause.chain[-1] == cause.function
        assert len(set(cause.chain)) == len(cause.chain)
