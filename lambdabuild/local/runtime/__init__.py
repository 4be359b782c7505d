"""Where functions run: Lambda's Runtime API, a process for each call in flight, and its log."""
