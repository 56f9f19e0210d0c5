"""From names to subdomains."""

from django.core.exceptions import ValidationError
from django.test import SimpleTestCase

from guestbook.people import HUES, hue_of, subdomain_for


class SubdomainTest(SimpleTestCase):
    def test_names_become_labels(self) -> None:
        cases = {
            "Ada Lovelace": "ada-lovelace",
            "  José_María  ": "jose-maria",
            "R2-D2": "r2-d2",
            "山田 太郎": "xn----cc1bp4h9u1bcu4a",
        }
        for name, label in cases.items():
            with self.subTest(name=name):
                self.assertEqual(subdomain_for(name), label)

    def test_parts_of_the_site_are_refused(self) -> None:
        for name in ("www", "API", "admin", "Activity", "cdn"):
            with self.subTest(name=name), self.assertRaises(ValidationError):
                subdomain_for(name)

    def test_names_without_letters_are_refused(self) -> None:
        for name in ("", "---", "!?", "_", "☕"):
            with self.subTest(name=name), self.assertRaises(ValidationError):
                subdomain_for(name)

    def test_a_label_has_at_most_63_characters(self) -> None:
        self.assertEqual(len(subdomain_for("a" * 63)), 63)
        with self.assertRaises(ValidationError):
            subdomain_for("a" * 64)

    def test_hues_stay_in_range(self) -> None:
        self.assertEqual({hue_of(chr(97 + n)) for n in range(26)}, set(range(HUES)))
