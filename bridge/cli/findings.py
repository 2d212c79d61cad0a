"""How the commands that check something say what they found. Not a command itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.cli.options import FAILED, REFUSED
from bridge.config import Site, SiteError, load
from bridge.config.problems import visible
from bridge.model import Finding

STYLES: Final = {"ok": "green", "warning": "yellow", "error": "bold red"}


def loaded(config: Path, *, as_json: bool) -> Site:
    """Return the site of the file. With `as_json`, what is wrong with the file is told as JSON, too."""
    try:
        return load(config)
    except SiteError as error:
        if as_json:
            tell(error.findings, as_json=True)
            sys.exit(REFUSED)
        raise


def tell(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print the findings and return the exit code that they deserve: warnings are no failure."""
    ok = not any(finding.level == "error" for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": ok, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        _print_table(findings)
    return 0 if ok else FAILED


def _print_table(findings: Sequence[Finding]) -> None:
    """A table on a terminal; elsewhere one line a finding, so that grep and diff work."""
    console = Console()
    if not console.is_terminal:
        for finding in findings:
            click.echo(f"{finding.level:8} {visible(finding.subject, 1000)}  {visible(finding.text, 1000)}")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("", "What", "Finding"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        # Text, not markup: what a VMS answers may hold brackets.
        level = Text(finding.level, style=STYLES[finding.level])
        table.add_row(level, Text(visible(finding.subject, 1000)), Text(visible(finding.text, 1000)))
    console.print(table)
