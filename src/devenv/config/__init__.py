"""Text to model: reading `devenv.yml`, and every mistake in it with its place."""
