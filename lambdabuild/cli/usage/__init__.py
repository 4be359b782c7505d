"""What the command line tells of itself: help, and completion in shells."""
