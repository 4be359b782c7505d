"""The page that `--html` writes is read and used in a real browser."""
