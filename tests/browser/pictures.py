"""Pictures of the dashboard for the documentation: `python -m tests.browser.pictures FOLDER`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import httpx
from tests.browser.conftest import CHROMIUM, DRIVER, open_browser
from tests.browser.crowded import Crowded, crowded
from tests.browser.test_pages import measure, size

PAGES = {
    "overview": "/dashboard/{project}",
    "customers": "/dashboard/{project}/customers",
    "start": "/dashboard/{first}/start",
}
WIDE = (1280, 860)


def main() -> None:
    """Make a crowd, and take the pictures."""
    target = Path(sys.argv[1])
    if not (CHROMIUM and DRIVER):
        sys.exit("This needs chromium and chromium-driver.")
    target.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as folder,
        crowded(Path(folder), f"sqlite:///{folder}/gateway.db") as board,
    ):
        take(board, target)


def take(board: Crowded, target: Path) -> None:
    """Take a picture of each page, light and dark; of one that is not there, none."""
    driver = open_browser()
    try:
        driver.get(board.url + board.link)
        cookies = {each["name"]: each["value"] for each in driver.get_cookies()}
        driver.get(f"{board.url}/dashboard")
        first = driver.current_url.rpartition("/")[2]
        for name, path in PAGES.items():
            url = board.url + path.format(project=board.project, first=first)
            if httpx.get(url, cookies=cookies, trust_env=False).status_code != 200:
                continue
            for scheme in ("light", "dark"):
                size(driver, WIDE, scheme)
                driver.get(url)
                # The counters come by themselves, right after the page.
                while measure(driver, "document.querySelector('#live-today')?.textContent") == "…":
                    pass
                driver.save_screenshot(str(target / f"{name}-{scheme}.png"))
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
