"""Run lambdabuild as `python -m lambdabuild`."""

from lambdabuild.cli.main import main

main()
