"""The operating system as small seams: paths, files, processes, addresses, time."""
