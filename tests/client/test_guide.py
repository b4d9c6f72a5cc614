"""The guide to the client: its code runs, and its tables are whole."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.client.conftest import OPERATOR

from dream_gateway import client
from dream_gateway.client import DreamError

if TYPE_CHECKING:
    import pytest
    from tests.client.conftest import Project

GUIDE = (Path(__file__).parents[2] / "docs/guides/python-client.md").read_text()


def test_its_code_runs(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
    for shown, real in {
        "http://127.0.0.1:8787": project.url,
        "sk_test_...": project.secret_key,
        "pk_test_...": project.publishable_key,
        'token="..."': f'token="{OPERATOR}"',
        "prj_...": project.id,
    }.items():
        code = code.replace(shown, real)
    exec(code, {"__name__": "guide"})  # noqa: S102 # the guide's own
    out = capsys.readouterr().out
    assert "3 of 10\n" in out
    assert "ada@example.com\n" in out
    assert "'/email'" in out
    assert f"{project.url}/auth/{project.publishable_key}/sign-in?" in out
    assert "['free'" in out


def test_every_method_is_listed_and_no_other(project: Project) -> None:
    listed = dict(
        re.findall(r"^\| (the client|`\w+`) \| (`\w+`(?:, `\w+`)*) \|$", GUIDE, re.MULTILINE)
    )
    with project.blocking() as api:
        things: dict[str, Any] = {"the client": api}
        things |= {f"`{name}`": each for name, each in vars(api).items() if name[0] != "_"}
        for name, thing in things.items():
            methods = inspect.getmembers(thing, inspect.ismethod)
            found = {each for each, _ in methods if not each.startswith("_")}
            assert set(re.findall(r"\w+", listed.pop(name))) == found, name
    assert not listed


def test_every_error_is_listed_and_no_other() -> None:
    table = GUIDE.partition("| class | when |")[2].partition("\n\n")[0]
    public = {name for name in client.__all__ if name.endswith("Error")}
    assert set(re.findall(r"`(\w+Error)`", table)) == public - {DreamError.__name__}
