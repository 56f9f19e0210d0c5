"""How services are run: natively, in containers or in a VM."""
