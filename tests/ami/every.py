"""Every call that is recorded, and on which versions of Asterisk (tests/parts/asterisk.py)."""

from typing import Final

from tests.ami.endings import ENDINGS
from tests.ami.refusals import REFUSALS
from tests.ami.scenarios import SCENARIOS
from tests.ami.transfers import TRANSFERS

VERSIONS: Final = ("22", "16")
EVERY: Final = (*SCENARIOS, *REFUSALS, *ENDINGS, *TRANSFERS)
