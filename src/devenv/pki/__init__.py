"""The local certificate authority and its leaf certificates."""
