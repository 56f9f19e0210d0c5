"""One URL configuration per subdomain; `SUBDOMAIN_URLCONFS` says which is whose."""
