import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild import __version__
from lambdabuild.core.artifact import (
    PACKER,
    UNKNOWN,
    Asset,
    epoch_of,
    packed_text,
    sbom_made_from,
    zip_made_from,
)
from lambdabuild.core.errors import LambdabuildError
from tests.unit.values import digests, texts

epochs = st.none() | st.integers(0, 2**40)
versions = st.tuples(digests, epochs)


@pytest.mark.parametrize("environment", [{}, {"SOURCE_DATE_EPOCH": ""}, {"TZ": "1"}])
def test_without_a_word_of_it_there_is_no_epoch(environment: dict[str, str]) -> None:
    assert epoch_of(environment) is None


@given(st.integers(0, 2**70))
def test_the_epoch_is_a_number_of_seconds(seconds: int) -> None:
    assert epoch_of({"SOURCE_DATE_EPOCH": str(seconds)}) == seconds


@given(
    st.sampled_from(["-1", "1.5", "1e9", "0x10", " 1", "1 ", "1_000", "yesterday", "²", "٣"])
    | texts.filter(lambda text: text and not re.fullmatch("[0-9]+", text))
)
def test_what_is_no_number_of_seconds_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        epoch_of({"SOURCE_DATE_EPOCH": text})
    assert str(caught.value) == (
        f"SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds since 1970\n"
        "  hint: unset it, or `export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)`"
    )


@given(versions, versions)
def test_a_zip_is_made_again_where_the_executable_or_the_epoch_is_another(
    one: tuple[str, int | None], other: tuple[str, int | None]
) -> None:
    assert (zip_made_from(*one) == zip_made_from(*other)) == (one == other)
    assert (sbom_made_from(*one) == sbom_made_from(*other)) == (one == other)


@given(versions)
def test_what_a_zip_and_a_bill_are_made_from_begins_with_the_executable_and_the_epoch(
    version: tuple[str, int | None],
) -> None:
    sha256, epoch = version
    told = "-" if epoch is None else str(epoch)
    for text in (zip_made_from(*version), sbom_made_from(*version)):
        assert text.split(" ")[:2] == [sha256, told]


def test_a_zip_is_made_again_by_another_packer_and_a_bill_by_another_lambdabuild() -> None:
    assert zip_made_from("0", None) == f"0 - {PACKER}"
    assert sbom_made_from("0", None) == f"0 - lambdabuild {__version__}"


def test_an_asset_is_packed_again_where_its_content_or_its_mode_is_another() -> None:
    plain = Asset("a", "/shop/a", executable=False)
    runs = plain._replace(executable=True)
    told = [packed_text("0", plain), packed_text("1", plain), packed_text("0", runs)]
    assert len(set(told)) == 3


def test_an_asset_that_was_not_read_is_not_known() -> None:
    assert packed_text(None, Asset("a", "/shop/a", executable=True)) == UNKNOWN
