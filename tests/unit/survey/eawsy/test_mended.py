"""Decoders of eawsy/aws-lambda-go-event make what encoding/json does not make any more."""

from lambdabuild.survey.eawsy.mended import mended, with_replacement

DECODER = """\
package sesevt

type jsonHeaders struct {
	*headersAlias
	Date timestamp
}

func (h *Headers) UnmarshalJSON(data []byte) error {
	var jh jsonHeaders
	if err := json.Unmarshal(data, &jh); err != nil {
		return err
	}
	return nil
}
"""


def test_a_decoder_makes_what_it_decodes_into() -> None:
    now = mended(DECODER)
    assert "\tjh := jsonHeaders{headersAlias: new(headersAlias)}\n" in now
    assert (
        now.replace("jh := jsonHeaders{headersAlias: new(headersAlias)}", "var jh jsonHeaders")
        == DECODER
    )


def test_what_decodes_anyway_stays() -> None:
    source = (
        "package s3evt\n\ntype record struct {\n\tKey string\n}\n\nfunc f() {\n\tvar r record\n}\n"
    )
    assert mended(source) == source


def test_a_replacement_takes_the_place_of_another() -> None:
    text = (
        "module example.com/a\n\nrequire example.com/b v1.0.0\n\n"
        "replace example.com/b => example.com/fork v1.2.0\n\n"
        "replace (\n\texample.com/b v1.0.0 => ../b\n\texample.com/c => ../c // stays\n)\n"
    )
    assert with_replacement(text, "example.com/b", "./copy") == (
        "module example.com/a\n\nrequire example.com/b v1.0.0\n\n\n"
        "replace (\n\texample.com/c => ../c // stays\n)\nreplace example.com/b => ./copy\n"
    )
