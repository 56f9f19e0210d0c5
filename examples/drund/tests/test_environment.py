"""What the environment's variables mean."""

from django.test import SimpleTestCase

from drund.environment import Site, mysql_database

SITE = Site("drund.localhost", 8443)


class SiteTest(SimpleTestCase):
    def test_port_comes_from_the_url(self) -> None:
        environ = {"DEVENV_DOMAIN": "x.test", "DEVENV_URL": "https://x.test:8443"}
        self.assertEqual(Site.from_environment(environ).origin("www"), "https://www.x.test:8443")

    def test_the_usual_port_is_not_written(self) -> None:
        for url in ("https://x.test", "https://x.test:443"):
            site = Site.from_environment({"DEVENV_DOMAIN": "x.test", "DEVENV_URL": url})
            self.assertEqual(site.origin(), "https://x.test")

    def test_subdomain_of_a_host(self) -> None:
        cases = {
            "drund.localhost:8443": "",
            "www.drund.localhost": "www",
            "WWW.Drund.Localhost.:8443": "www",
            "a.b.drund.localhost": "a.b",
            "127.77.0.1:8000": None,
            "evildrund.localhost": None,
        }
        for host, subdomain in cases.items():
            with self.subTest(host=host):
                self.assertEqual(SITE.subdomain_of(host), subdomain)

    def test_only_pages_of_the_site_are_its_own(self) -> None:
        for origin in ("https://drund.localhost:8443", "https://ada.drund.localhost:8443"):
            with self.subTest(origin=origin):
                self.assertTrue(SITE.owns(origin))
        for origin in (
            "",
            "null",
            "http://www.drund.localhost:8443",
            "https://www.drund.localhost",
            "https://www.drund.localhost:8444",
            "https://www.drund.localhost:8443.evil.example",
            "https://drund.localhost.evil.example:8443",
        ):
            with self.subTest(origin=origin):
                self.assertFalse(SITE.owns(origin))


class DatabaseUrlTest(SimpleTestCase):
    def test_credentials_are_unquoted(self) -> None:
        database = mysql_database("mysql://ada:p%40ss@127.1.2.3:3307/drund")
        expected = {
            "USER": "ada",
            "PASSWORD": "p@ss",
            "HOST": "127.1.2.3",
            "PORT": "3307",
            "NAME": "drund",
        }
        self.assertEqual({key: database[key] for key in expected}, expected)
