"""The per-user daemon: observe, plan, apply, and the API on its socket."""
