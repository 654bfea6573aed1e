"""Pictures of a study as inline SVG: classes carry the colours, so that one page serves light, dark and paper."""

from nightlab.controller.report.charts.ledger import ledger_bar
from nightlab.controller.report.charts.pareto import pareto_chart
from nightlab.controller.report.charts.progress import progress_chart
from nightlab.controller.report.charts.timeline import timeline_chart

__all__ = ["ledger_bar", "pareto_chart", "progress_chart", "timeline_chart"]
