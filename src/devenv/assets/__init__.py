"""The simulated CDN: finding, compiling and serving assets on request."""
