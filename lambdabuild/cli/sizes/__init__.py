"""What executables are made of: `why --size`."""
