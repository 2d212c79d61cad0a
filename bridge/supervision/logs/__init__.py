"""Log lines: for people on a terminal, JSON for journald and pipes.

`app` and the command line call `configure` once (and again after a reload); `log_decisions` tells the
story of each commit. Every other module logs through `structlog.get_logger(__name__)`, constant words
first, facts as keywords: `log.warning("store is back", degraded_since=...)`.
"""

from bridge.supervision.logs.safety import LogScrubber
from bridge.supervision.logs.setup import Logs, Style, configure
from bridge.supervision.logs.story import log_decisions

__all__ = ["LogScrubber", "Logs", "Style", "configure", "log_decisions"]
