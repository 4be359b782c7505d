"""What C adds to a survey: compilers, headers, what `go list` does not name.

It may import what `survey` may, and `survey`. It must not be imported where no C is.
"""
