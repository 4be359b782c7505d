"""HTTP/1.1 over asyncio, by h11: it shows trailers, and takes headers of 2 MiB.

aws-lambda-go says in trailers that a response broke off, and sends causes for X-Ray in a header.
"""
