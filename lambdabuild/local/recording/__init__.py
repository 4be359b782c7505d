"""Calls are kept, so that they can be repeated after an edit."""
