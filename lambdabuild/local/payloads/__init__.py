"""HTTP requests to the events of Lambda, and what functions answer to HTTP responses: values alone."""
