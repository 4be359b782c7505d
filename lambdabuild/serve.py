"""Serve all functions on this machine: build on demand, reload what changes affect."""
