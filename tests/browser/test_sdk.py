"""The JavaScript SDK in Chromium: a page of an allowed origin calls the gateway as who is signed in."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.test_pages import sign_up
from tests.sdk import npm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver
    from tests.browser.conftest import Open, World

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(npm.missing() is not None, reason=f"{npm.missing()} is not installed"),
]

CALL = """
const [source, code, baseUrl, publishableKey, secretKey, done] = arguments;
const AsyncFunction = (async () => {}).constructor;
const run = new AsyncFunction("sdk", "baseUrl", "publishableKey", "secretKey", code);
import(source)
  .then(sdk => run(sdk, baseUrl, publishableKey, secretKey))
  .then(done, error => done({failed: String(error), code: error.code, status: error.status}));
"""
AS_USER = """
const api = new sdk.DreamAPI({baseUrl, publishableKey});
const {tiers} = await api.products.listTiers();
const refused = await api.usage.check().catch(error => error.code);
const {userId, email} = await api.auth.fetchUserToken();
const {usage, duplicate} = await api.usage.track({cost: 2});
const {remaining} = await api.usage.check();
const {headers} = await api.call("usage.check");
api.clearUserToken();
return {tiers: tiers.map(tier => tier.name), refused, userId, email, usage, duplicate, remaining,
        limits: headers.get("ratelimit"), ended: await api.usage.check().catch(error => error.code)};
"""
WITH_A_BAD_TOKEN = """
const api = new sdk.DreamAPI({baseUrl, publishableKey});
api.setUserToken("not.a.token");
return api.usage.track().then(() => null, ({status, code, requestId}) => ({status, code, requestId}));
"""
WITH_A_SECRET = "new sdk.DreamAPI({baseUrl, secretKey})"
FROM_ELSEWHERE = """
const api = new sdk.DreamAPI({baseUrl, publishableKey, maxRetries: 0});
await api.products.listTiers();
"""


class Files(SimpleHTTPRequestHandler):
    """Serves a folder's scripts to pages of any origin."""

    def end_headers(self) -> None:
        """Let every page have them."""
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class
        """Say nothing."""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the built SDK, as a browser loads it without a bundler."""
    package: Path = npm.copy(tmp_path_factory.mktemp("package"))
    npm.install(package)
    npm.run(package, "npm", "run", "build")
    handler = partial(Files, directory=str(package / "dist" / "esm"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.js"
    server.shutdown()
    server.server_close()


def call(driver: WebDriver, module: str, world: World, code: str) -> Any:
    driver.set_script_timeout(60)
    keys = (world.publishable_key, world.secret_key)
    return driver.execute_async_script(CALL, module, code, world.gateway, *keys)


def test_a_page_charges_who_is_signed_in(world: World, browsers: Open, module: str) -> None:
    driver = browsers()
    sign_up(driver, world, "sdk@example.com")
    driver.get(world.site)
    found = call(driver, module, world, AS_USER)
    assert found.get("failed") is None, found
    assert found["tiers"] == ["free"]
    assert (found["refused"], found["ended"]) == ("missing_credential", "missing_credential")
    assert found["email"] == "sdk@example.com"
    usage = found["usage"]
    assert (usage["userId"], usage["usageCount"]) == (found["userId"], 2)
    assert (found["duplicate"], found["remaining"]) == (False, usage["limit"] - 2)
    assert f"r={usage['limit'] - 2}" in found["limits"]
    refused = call(driver, module, world, WITH_A_BAD_TOKEN)
    assert (refused["status"], refused["code"]) == (401, "invalid_credential")
    assert refused["requestId"]


def test_a_secret_key_is_refused_there(world: World, browsers: Open, module: str) -> None:
    driver = browsers()
    driver.get(world.site)
    found = call(driver, module, world, WITH_A_SECRET)
    assert "does not belong into a browser" in found["failed"]


def test_a_page_of_another_origin_reads_nothing(world: World, browsers: Open, module: str) -> None:
    driver = browsers()
    driver.get(world.site.replace("127.0.0.1", "localhost"))
    found = call(driver, module, world, FROM_ELSEWHERE)
    assert (found["code"], found["status"]) == ("connection_failed", 0)
