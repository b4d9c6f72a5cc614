"""The dashboard and the alerts ask for metrics that there are, in Prometheus' language; runbooks exist.

That a scrape has each metric of the table is in `tests/server/test_metrics.py`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from dream_gateway.metrics import CATALOGUE, Kind

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/dream-gateway.json").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PROMETHEUS_OWN = {"up"}
TARGETS = {"job", "instance", "le"}
"""Labels that Prometheus adds to what it scrapes, and that of histograms."""


def queries() -> list[tuple[str, str]]:
    """Return every query with where it is from; Grafana's variables are filled in."""
    asked = [(rule["alert"], rule["expr"]) for rule in RULES]
    for panel in PANELS:
        for target in panel["targets"]:
            filled = target["expr"].replace("$__rate_interval", "5m")
            asked.append((panel["title"], re.sub(r"\$(job|instance)", ".*", filled)))
    return asked


def selectors(node: Any) -> list[Any]:
    """Return what a parsed query selects, however deep."""
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    if isinstance(node, promql_parser.MatrixSelector):
        return [node.vector_selector]
    parts = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "param")]
    parts += list(getattr(node, "args", None) or ())
    return [found for part in parts if part is not None for found in selectors(part)]


def names() -> dict[str, tuple[str, ...]]:
    """Return the name of every series with its labels."""
    known: dict[str, tuple[str, ...]] = dict.fromkeys(PROMETHEUS_OWN, ())
    for metric in CATALOGUE.values():
        parts = ("_bucket", "_count", "_sum") if metric.kind is Kind.HISTOGRAM else ("",)
        known |= {metric.name + part: metric.labels for part in parts}
    return known


@pytest.mark.parametrize(("where", "query"), queries())
def test_every_query_is_one_and_asks_for_what_there_is(where: str, query: str) -> None:
    del where
    found = selectors(promql_parser.parse(query))
    assert found
    known = names()
    for selector in found:
        assert selector.name in known
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= {*known[selector.name], *TARGETS}
    # Labels that are grouped by are there, too.
    grouped = {
        each.strip() for by in re.findall(r"by \(([^)]*)\)", query) for each in by.split(",")
    }
    assert grouped <= {label for s in found for label in known[s.name]} | TARGETS


def test_the_dashboard_shows_every_metric() -> None:
    shown = {s.name for _, query in queries() for s in selectors(promql_parser.parse(query))}
    roots = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}
    assert set(CATALOGUE) <= roots


def test_panels_have_their_place_and_say_what_they_show() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["description"] and panel["title"] for panel in PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert taken.isdisjoint(cells)
        taken |= cells
    assert max(x for x, _ in taken) < 24


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_runbook_that_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    text = (ROOT / rule["annotations"]["runbook"]).read_text()
    for heading in ("# ", "## Look\n", "## Do\n", "## What is kept\n"):
        assert f"\n{heading}" in "\n" + text
    named = set(re.findall(r"dream_gateway_\w+", text))
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in named} <= set(CATALOGUE)


def test_every_runbook_is_an_alerts() -> None:
    used = {rule["annotations"]["runbook"] for rule in RULES}
    there = {str(p.relative_to(ROOT)) for p in (ROOT / "docs/runbooks").glob("*.md")}
    assert there == used


def test_the_reference_has_the_table_of_metrics() -> None:
    text = (ROOT / "docs/reference/metrics.md").read_text()
    rows = [
        f"| `{m.name}` | {m.kind} | {', '.join(f'`{label}`' for label in m.labels) or '-'} | {m.help} |"
        for m in CATALOGUE.values()
    ]
    assert re.findall(r"^\| `dream_gateway.*$", text, re.MULTILINE) == rows
