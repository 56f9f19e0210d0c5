"""The main job: a fresh clone, an empty home, one command, and the example works in a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path

import amqp
import pymongo
import pymysql
import pytest
import redis
from fakes.checkouts import USERS_PATH, Checkout, open_home, wait_until
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

REPOSITORY = Path(__file__).parents[2]
FIRST_UP_S = 600
"""Downloads included: Python and Node packages, once."""
SEEN_S = 20
IGNORED = (".venv", "node_modules", ".devenv", ".git", "__pycache__", ".*_cache")


def fetch(folder: Path) -> None:
    """Clone the repository, or copy it where it is not one."""
    if not (REPOSITORY / ".git").exists():
        shutil.copytree(REPOSITORY, folder, ignore=shutil.ignore_patterns(*IGNORED))
        return
    trust = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    command = ["git", "clone", "--quiet", REPOSITORY, folder]
    subprocess.run(command, check=True, timeout=60, env={"PATH": USERS_PATH, **trust})


class Clone(Checkout):
    """A clone of this repository, used through its own bootstrap script."""

    def run(self, *words: str, timeout_s: float = 60) -> str:
        done = subprocess.run(
            ["./devenv", *words],
            cwd=self.folder,
            env=self.home.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def clone():
    with open_home() as home:
        home.environment["PATH"] = USERS_PATH
        folder = home.base / "clone"
        fetch(folder)
        clone = Clone(home, folder)
        clone.run("up", "-d", timeout_s=FIRST_UP_S)
        yield clone


@pytest.fixture(scope="module")
def status(clone):
    return json.loads(clone.run("status", "--json"))


@pytest.fixture
def origin(clone):
    return f"https://www.drund.localhost:{clone.home.https_port}"


def test_everything_is_ready(clone, status):
    assert status["ready"] is True
    assert status["edge"]["ready"] is True
    assert status["environment"]["path"] == str(clone.folder)
    kinds = {unit["name"]: unit["kind"] for unit in status["units"]}
    assert {name for name, kind in kinds.items() if kind == "service"} == {
        "mysql",
        "redis",
        "rabbitmq",
        "mongodb",
    }
    assert {"web", "worker", "activity", "cdn"} <= {n for n, k in kinds.items() if k == "process"}
    port = clone.home.https_port
    assert json.loads(clone.run("urls", "--json")) == [
        {"url": f"https://activity.drund.localhost:{port}/", "target": "activity"},
        {"url": f"https://cdn.drund.localhost:{port}/", "target": "cdn"},
        {"url": f"https://www.drund.localhost:{port}/", "target": "web"},
    ]


def test_the_checkout_stays_clean(clone):
    """What devenv makes in a checkout is ignored by it."""
    if (clone.folder / ".git").exists():
        command = ["git", "status", "--porcelain"]
        done = subprocess.run(
            command, cwd=clone.folder, capture_output=True, check=True, timeout=20
        )
        assert done.stdout == b""


@pytest.mark.parametrize("host", ["www", "api", "admin", "cdn", "activity", "ada-lovelace"])
def test_curl_gets_every_host_with_our_ca_alone(clone, status, host):
    name, port = f"{host}.drund.localhost", clone.home.https_port
    path = {"cdn": "css/site.css", "api": "entries"}.get(host, "")
    done = subprocess.run(
        [
            *("curl", "-sSL", "--fail", "--cacert", status["edge"]["ca_file"]),
            *("--resolve", f"{name}:{port}:127.0.0.1", f"https://{name}:{port}/{path}"),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = {"www": "Leave a note", "cdn": ".brand", "api": '"count"', "admin": "Log in"}
    assert expected.get(host, "") in done.stdout
    assert done.stdout


def test_real_clients_on_the_usual_ports(status):
    address = status["environment"]["address"]
    login = ["--host", address, "--user", "drund", "-pdrund", "drund"]
    query = ["-N", "-e", "select count(*) > 0 from guestbook_entry"]
    assert subprocess.check_output(["mysql", *login, *query], timeout=20) == b"1\n"
    with closing(pymysql.connect(host=address, user="drund", password="drund")) as connection:
        assert connection.get_server_info()
    asked = ["redis-cli", "-h", address, "ping"]
    assert subprocess.check_output(asked, timeout=20) == b"PONG\n"
    with redis.Redis(address) as client:
        assert client.info("persistence")["aof_enabled"] == 1
    account = {"userid": "drund", "password": "drund", "virtual_host": "drund"}
    with amqp.Connection(f"{address}:5672", **account) as connection:
        assert connection.server_properties["product"] == "RabbitMQ"
    with pymongo.MongoClient(address, 27017, serverSelectionTimeoutMS=5000) as client:
        assert client.drund.activities.count_documents({}) > 0


@contextmanager
def chromium(clone, ca_file: str):
    """A browser of this home, which trusts our CA as a user's does: in the NSS database."""
    database = clone.home.folder / ".pki" / "nssdb"
    database.mkdir(parents=True, exist_ok=True)
    store = ["certutil", "-d", f"sql:{database}"]
    subprocess.run([*store, "-N", "--empty-password"], check=True, timeout=20)
    subprocess.run(
        [*store, "-A", "-t", "C,,", "-n", "devenv", "-i", ca_file], check=True, timeout=20
    )
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    profile = clone.home.folder / "chromium"
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        "--window-size=1280,1000",
    ):
        options.add_argument(argument)
    service = webdriver.ChromeService(shutil.which("chromedriver"), env=clone.home.environment)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def browser(clone, status):
    with chromium(clone, status["edge"]["ca_file"]) as driver:
        yield driver


def see(browser, what):
    """Wait until *what* (a function of the browser) is true and return it."""
    return WebDriverWait(browser, SEEN_S, poll_frequency=0.1).until(what)


def text_of(selector: str, expected: str):
    return lambda browser: expected in browser.find_element(By.CSS_SELECTOR, selector).text


def test_a_post_arrives_over_the_websocket_in_another_window(browser, origin):
    message = "Written by a test, read in another window."
    browser.get(origin)
    reader = browser.current_window_handle
    see(browser, text_of("#live-state", "live"))
    browser.execute_script("window.isTheSamePage = true")
    browser.switch_to.new_window("window")
    browser.get(origin)
    see(browser, text_of("#live-state", "live"))
    browser.find_element(By.NAME, "name").send_keys("Grace Hopper")
    browser.find_element(By.NAME, "message").send_keys(message)
    browser.find_element(By.CSS_SELECTOR, "#guestbook-form button").click()
    see(browser, text_of("#visitor", "Grace Hopper"))
    see(browser, text_of("#activity-list", message))
    browser.switch_to.window(reader)
    see(browser, text_of("#activity-list", message))
    assert browser.execute_script("return window.isTheSamePage") is True
    assert "Grace Hopper" in browser.find_element(By.CSS_SELECTOR, ".activity__line").text
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


def test_the_session_holds_on_every_subdomain(browser, origin):
    browser.get(origin.replace("www.", "grace-hopper."))
    assert "Hello, Grace Hopper" in browser.find_element(By.CSS_SELECTOR, ".visitor").text


def test_an_edit_of_a_less_file_shows_on_reload(browser, clone, origin):
    browser.get(origin)
    ask = "return getComputedStyle(document.querySelector('.brand')).outlineColor"
    assert browser.execute_script(ask) != "rgb(1, 2, 3)"
    layout = clone.folder / "examples/drund/assets/static/css/layout.less"
    text = layout.read_text()
    try:
        layout.write_text(text + "\n@odd: rgb(1, 2, 3);\n.brand { outline: 1px solid @odd; }\n")
        browser.refresh()
        assert browser.execute_script(ask) == "rgb(1, 2, 3)"
    finally:
        layout.write_text(text)
    browser.refresh()
    assert browser.execute_script(ask) != "rgb(1, 2, 3)"


def test_down_leaves_no_process(clone):
    clone.run("down")
    wait_until(
        lambda: not [line for line in clone.home.commands() if "chrom" not in line],
        "nothing runs",
        describe=clone.home.commands,
    )
