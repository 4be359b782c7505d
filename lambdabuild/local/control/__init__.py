"""How `lambdabuild invoke` finds a `serve` that runs in the project, and asks it."""
