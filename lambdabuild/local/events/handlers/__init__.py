"""Read from Go sources what a function's handler takes; coarsely, and without running Go."""
