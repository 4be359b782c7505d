"""Measure lambdabuild against what a person types instead, as ratios taken in one run.

`figures.py` lists what is claimed, `contestants.py` and `team.py` the commands, `scenarios.py` the
states they start from. Those are values: adding a figure is adding one to `FIGURES`. `runner.py` runs
the contestants that the chosen figures name, alternately, so that a machine that speeds up or slows
down does so for all of them; `render.py` turns the samples into a table.
"""
