"""`dream-gateway integrate` on a folder: prints, shows, writes, and leaves alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.cli.project_files import read_tree, write_change
from dream_gateway.errors import ConfigurationError
from dream_gateway.integrate.plan import Change

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

APP = "from flask import Flask\n\napp = Flask(__name__)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    (made / "node_modules").mkdir(parents=True)
    (made / "node_modules" / "package.json").write_text('{"dependencies": {"express": "5"}}')
    (made / "app.py").write_text(APP)
    (made / "app.py").chmod(0o640)
    (made / "logo.py").write_bytes(b"\xff\xfe")
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_it_prints_and_changes_nothing(run: Run, folder: Path) -> None:
    before = files(folder)
    for options in ((), ("--dry-run",), ("--json",)):
        result = run("integrate", "--directory", str(folder), *options)
        assert (result.code, files(folder)) == (0, before)
        assert "app.before_request(_admit)" in result.out
    assert run("integrate", "--directory", str(folder), "--json").json["framework"] == "flask"


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
def test_what_it_writes_is_what_the_diff_says(run: Run, folder: Path, tmp_path: Path) -> None:
    patched = tmp_path / "patched"
    patched.mkdir()
    (patched / "app.py").write_text(APP)
    diff = run("integrate", "--directory", str(folder), "--dry-run").out
    subprocess.run(["patch", "-p1", "-s"], input=diff, text=True, cwd=patched, check=True)  # noqa: S607 - patch is where it is
    assert run("integrate", "--directory", str(folder), "--write").code == 0
    written = files(folder)
    for name, text in files(patched).items():
        assert written[name] == text
    assert (folder / "app.py").stat().st_mode & 0o777 == 0o640
    again = run("integrate", "--directory", str(folder), "--write")
    assert again.out.startswith("nothing to change\n")
    assert files(folder) == written


@pytest.mark.parametrize("option", ["--write", "--dry-run"])
def test_lines_that_have_no_place_are_no_success(run: Run, folder: Path, option: str) -> None:
    (folder / "app.py").rename(folder / "nginx.conf")
    (folder / "nginx.conf").write_text("server { listen 1; location / { proxy_pass http://a; } }\n")
    before = files(folder)
    result = run("integrate", "nginx", "--directory", str(folder), option)
    assert (result.code, files(folder)) == (1, before)
    told = result.out if option == "--write" else result.err
    assert told.startswith("nothing is changed: lines are to be added by hand")
    assert "auth_request" in told
    assert run("integrate", "nginx", "--directory", str(folder), option, "--json").code == 1
    assert run("integrate", "nginx", "--directory", str(folder)).code == 0


def test_a_module_that_is_yours_by_now_is_left_and_guards(run: Run, folder: Path) -> None:
    assert run("integrate", "--directory", str(folder), "--write").code == 0
    guard = folder / "dream_gateway_guard.py"
    guard.write_text(guard.read_text().replace('("/health",)', '("/health", "/docs")'))
    again = run("integrate", "--directory", str(folder), "--write")
    assert again.code == 0
    assert again.out.startswith("nothing to change\n")
    guard.write_text("def guard(app): ...\n")
    assert run("integrate", "--directory", str(folder), "--write").code == 1


def test_the_project_of_the_store_gives_its_name(run: Run, folder: Path, project: str) -> None:
    out = run("integrate", "--directory", str(folder), "--project", project).out
    assert "of Acme," in out
    assert 'os.environ["ACME_GATEWAY_SECRET_KEY"]' in out
    assert "sk_" not in out
    missing = run("integrate", "--directory", str(folder), "--project", "prj_missing")
    assert (missing.code, missing.err.partition(":")[0]) == (1, "error")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--write", "--dry-run"), "exclude each other"),
        (("rails",), "rails"),
        (("--edge-url", "127.0.0.1:8080"), "not like http://HOST:PORT"),
        (("--service-url", "http://a:1/'; evil"), "not like http://HOST:PORT"),
        (("--service-url", "http://user:password@a:1"), "not like http://HOST:PORT"),
    ],
)
def test_misuse(refused: Callable[..., str], folder: Path, arguments: Any, why: str) -> None:
    assert why in refused("integrate", "--directory", str(folder), *arguments)


def test_none_or_several_frameworks_have_to_be_named(
    refused: Callable[..., str], run: Run, folder: Path
) -> None:
    (folder / "other.py").write_text("import litestar\n")
    assert "found flask, litestar" in refused("integrate", "--directory", str(folder))
    assert run("integrate", "flask", "--directory", str(folder)).code == 0
    for name in ("app.py", "other.py"):
        (folder / name).unlink()
    assert "found no framework" in refused("integrate", "--directory", str(folder))


def test_a_folder_that_is_no_project_is_refused(
    refused: Callable[..., str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dream_gateway.cli.project_files.MOST", 1)
    (folder / "b.py").write_text("")
    assert "more than 1 files" in refused("integrate", "--directory", str(folder))


def test_links_are_left_as_they_are(run: Run, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.py"
    (folder / "app.py").rename(target)
    (folder / "app.py").symlink_to(target)
    (folder / "more").symlink_to(tmp_path)
    assert read_tree(folder) == {}
    assert run("integrate", "flask", "--directory", str(folder), "--write").code == 1
    assert (folder / "app.py").is_symlink()
    assert target.read_text() == APP
    guard = folder / "dream_gateway_guard.py"
    guard.rename(tmp_path / "guard.py")
    guard.symlink_to(tmp_path / "guard.py")
    again = run("integrate", "flask", "--directory", str(folder), "--write")
    assert again.code == 1
    assert "dream_gateway_guard.py is a link" in again.err


@pytest.mark.parametrize("link", ["app.py", "deep/app.py"])
def test_no_link_is_written_through(tmp_path: Path, link: str) -> None:
    folder, elsewhere = tmp_path / "shop", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    target = elsewhere / "app.py"
    target.write_text(APP)
    if "/" in link:
        (folder / "deep").symlink_to(elsewhere)
    else:
        (folder / link).symlink_to(target)
    for before in (APP, None):
        with pytest.raises(ConfigurationError, match=f"{link} is a link, or leads out of"):
            write_change(folder, Change(link, before, "changed\n"))
        assert target.read_text() == APP
    with pytest.raises(ConfigurationError, match="leads out of"):
        write_change(folder, Change("../elsewhere/app.py", APP, "changed\n"))
    assert [path.name for path in elsewhere.iterdir()] == ["app.py"]
    assert target.read_text() == APP


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "app.py").symlink_to(tmp_path / "made.py")
    with pytest.raises(ConfigurationError, match=r"app\.py is a link"):
        write_change(tmp_path / "shop", Change("app.py", None, "changed\n"))
    assert not (tmp_path / "made.py").exists()


def test_a_folder_may_be_named_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "named").symlink_to(tmp_path / "shop")
    write_change(tmp_path / "named", Change("deep/app.py", None, APP))
    assert read_tree(tmp_path / "named") == {"deep/app.py": APP}


def test_what_is_no_regular_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    assert set(read_tree(folder)) == {"app.py"}
    with pytest.raises(ConfigurationError, match="no regular file"):
        write_change(folder, Change("pipe.py", None, "changed\n"))
