"""The pages on a real MySQL, while Redis and RabbitMQ do not answer."""

from unittest import TestCase as PlainTestCase

from django.conf import settings
from django.http import HttpResponse
from django.test import TestCase

from guestbook.announcing import EXCERPT_LENGTH, excerpt
from guestbook.models import Entry

SITE = settings.SITE


class PageTest(TestCase):
    def get(self, subdomain: str, path: str = "/", **headers: str) -> HttpResponse:
        host = SITE.origin(subdomain).removeprefix("https://")
        return self.client.get(path, headers={"host": host, **headers}, secure=True)

    def sign(self, name: str, message: str = "Hello") -> HttpResponse:
        host = SITE.origin("www").removeprefix("https://")
        form = {"name": name, "message": message}
        return self.client.post("/", form, headers={"host": host}, secure=True)


class RoutingTest(PageTest):
    def test_each_subdomain_has_its_own_pages(self) -> None:
        self.assertTemplateUsed(self.get(""), "guestbook/home.html")
        self.assertTemplateUsed(self.get("www"), "guestbook/home.html")
        self.assertTemplateUsed(self.get("ada"), "guestbook/person.html")
        self.assertEqual(self.get("api").headers["Content-Type"], "application/json")
        self.assertIn("/login/", self.get("admin").headers["Location"])

    def test_every_subdomain_and_the_address_answer_the_health_check(self) -> None:
        for subdomain in ("", "www", "api", "admin", "ada"):
            with self.subTest(subdomain=subdomain):
                self.assertEqual(self.get(subdomain, "/health").status_code, 200)
        address = f"{settings.ALLOWED_HOSTS[1]}:8000"
        response = self.client.get("/health", headers={"host": address})
        self.assertEqual(response.status_code, 200)

    def test_a_foreign_host_is_refused(self) -> None:
        response = self.client.get("/", headers={"host": "evil.example"}, secure=True)
        self.assertEqual(response.status_code, 400)

    def test_only_pages_of_the_site_may_read_the_api(self) -> None:
        own = self.get("api", "/entries", origin=SITE.origin("www"))
        self.assertEqual(own.headers["Access-Control-Allow-Origin"], SITE.origin("www"))
        foreign = self.get("api", "/entries", origin="https://evil.example")
        self.assertNotIn("Access-Control-Allow-Origin", foreign.headers)


class GuestbookTest(PageTest):
    def test_a_signature_is_stored_and_shown_on_the_persons_page(self) -> None:
        self.assertEqual(self.sign("Ada Lovelace", "Hello ☕").status_code, 302)
        self.assertContains(self.get("ada-lovelace"), "Hello ☕")
        self.assertNotContains(self.get("grace"), "Hello ☕")

    def test_markup_in_a_message_stays_text(self) -> None:
        self.sign("Ada", "<script>alert(1)</script>")
        self.assertNotContains(self.get("www"), "<script>alert")

    def test_the_visitor_is_greeted_on_every_subdomain(self) -> None:
        response = self.sign("Ada")
        cookie = response.cookies[settings.SESSION_COOKIE_NAME]
        self.assertEqual(cookie["domain"], f".{SITE.domain}")
        for subdomain in ("", "www", "grace"):
            with self.subTest(subdomain=subdomain):
                self.assertContains(self.get(subdomain), "Hello, <strong")

    def test_a_name_that_is_a_part_of_the_site_is_refused(self) -> None:
        self.assertContains(self.sign("Admin"), "is a part of this site", status_code=422)
        self.assertFalse(Entry.objects.exists())

    def test_an_entry_survives_a_broker_that_is_down(self) -> None:
        with self.assertLogs("guestbook.announcing", "WARNING"):
            self.sign("Ada")
        self.assertContains(self.get("www"), "RabbitMQ does not answer")
        self.assertFalse(Entry.objects.get().announced)

    def test_a_page_does_without_the_visit_counter(self) -> None:
        with self.assertLogs("guestbook.visits", "WARNING"):
            self.assertContains(self.get("www"), "not counted")


class ExcerptTest(PlainTestCase):
    def test_a_short_message_is_whole_and_on_one_line(self) -> None:
        self.assertEqual(excerpt("one\n two"), "one two")

    def test_a_long_message_is_cut_between_words(self) -> None:
        short = excerpt("word " * 100)
        self.assertTrue(short.endswith("word…"))
        self.assertLessEqual(len(short), EXCERPT_LENGTH)
