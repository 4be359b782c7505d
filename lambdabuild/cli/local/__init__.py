"""Commands that run functions on this machine: `serve`, `invoke` and `events`."""
