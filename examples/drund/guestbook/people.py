"""Names of people, and the subdomains that their pages live on."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.text import slugify

SUBDOMAIN_LENGTH = 63
"""The longest DNS label (RFC 1035 section 2.3.4)."""

TAKEN = frozenset({"activity", "cdn"})
"""Subdomains that another part of the site answers."""

HUES = 6
"""Colours that tell people apart; `activities.js` counts the same way."""


def hue_of(subdomain: str) -> int:
    """Return the number of a person's colour, always the same for the same person."""
    return sum(subdomain.encode("ascii")) % HUES


def subdomain_for(name: str) -> str:
    """Return the subdomain of the person called *name*.

    A name that has no letter of the Latin alphabet gets its internationalised form (RFC 3492), as
    a browser would write it.

    Raises:
        ValidationError: if no subdomain can be made of it, or if that is the site's own.
    """
    label = slugify(name)
    if not label.strip("-_"):
        words = "-".join("".join(filter(str.isalnum, word)) for word in name.split())
        try:
            label = words.encode("idna").decode("ascii")
        except UnicodeError:
            label = ""
    label = label.replace("_", "-").strip("-")
    if not label or len(label) > SUBDOMAIN_LENGTH:
        raise ValidationError("Please use a name of letters, not too long for an address.")
    if label in TAKEN or label in settings.SUBDOMAIN_URLCONFS:
        raise ValidationError(f"“{label}” is a part of this site. Please choose another name.")
    return label
