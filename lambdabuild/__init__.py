"""Build every Go Lambda function of a monorepo with one `go build`."""

__version__ = "0.1.0"
