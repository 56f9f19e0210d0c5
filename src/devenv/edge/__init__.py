"""The TLS edge: Envoy, configured by files that are published by rename."""
