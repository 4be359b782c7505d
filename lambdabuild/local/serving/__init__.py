"""What a running server says: where it is, what it builds and why, and what functions log."""
