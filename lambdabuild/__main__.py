"""Run lambdabuild as `python -m lambdabuild`."""

from lambdabuild.cli.app import main

main()
