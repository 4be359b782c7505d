"""What may be chosen, in `lambdabuild.toml` and on the command line, and what then holds.

It may import `golang` and what is below. It must not know what is built, nor what was built before.
"""
