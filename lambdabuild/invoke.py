"""Call one function: build it for this machine, and run it once."""
