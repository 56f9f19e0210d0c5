"""Many sites in one Django project: the subdomain decides which URLs there are."""
