"""The command line: flags to settings, results to exit codes.

It may import everything. It must decide nothing about builds.
"""
