"""What a person sees of a study: one view model, and HTML, Markdown, tables, live progress and JSON made from it.

Surfaces are imported from their own modules (`report.html.render_html`, `report.markdown.render_markdown`,
`report.tables`, `report.live.open_progress`), so that a `--json` command loads neither jinja2 nor rich.
"""

from nightlab.controller.report.progress import PlainProgress, Progress
from nightlab.controller.report.view import StudyView, TrialView, to_json

__all__ = ["PlainProgress", "Progress", "StudyView", "TrialView", "to_json"]
