"""Text to model: reading `devenv.yml`, and every mistake in it with its place.

The way of a file: `load` reads it, `syntax` makes nodes that know their place (`positions`),
`resolve` replaces references (`interpolate`) and types scalars (`scalars`) as `shapes` wants them,
the models validate, `wording` says what they found, `checks` looks across fields, `parse` joins
these. `schema`, `reference` and `show` tell the outside what the models are and hold.
"""
