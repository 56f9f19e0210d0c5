"""The command line: words in, one call to the daemon, text out."""
