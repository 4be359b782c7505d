"""The options of `lambdabuild.toml` and the command line, and the settings they resolve to.

It may import `golang` and what is below. It must not know what is built, nor what was built before.
"""
