"""Run lambdabuild as `python -m lambdabuild`."""

from lambdabuild.cli import main

main()
