"""Functions run on this machine: real executables, real sockets, and the clients that people have."""
