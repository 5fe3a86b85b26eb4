"""deploy/grafana.json asks for metrics that there are, and shows all that there are."""

import json
import re
from pathlib import Path

from service.metrics import FAMILIES

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana.json"
NOT_SHOWN = {"numserve_series_dropped_total", "numserve_worker_threads", "numserve_worker_start_time_seconds"}


def test_dashboard_and_metrics_agree() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    names = {name for expression in asked for name in re.findall(r"numserve_\w+", expression)}
    shown = {name if name in FAMILIES else re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    assert shown == FAMILIES.keys() - NOT_SHOWN
    histograms = {name for name, family in FAMILIES.items() if family.buckets}
    assert not histograms & names  # a histogram has no sample of its bare name
