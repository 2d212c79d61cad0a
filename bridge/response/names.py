"""What people call a resource. Its own name holds a video system's ids, which tell them nothing.

Called by `engine` for the lines of a story, and by `sosbridge drill`, which looks for them there.
"""

from __future__ import annotations

from typing import Final

from bridge.response.plan import Plan
from bridge.response.views import RECORDED

SCREEN: Final = "screen"
"""The first word of the resource that a console's screen is."""


def name_of(resource: str, plan: Plan) -> str:
    """Return the resource with the site file's name of the console or camera: `screen/wall/desk-1`.

    What the site file does not name keeps its id, and what has none (`ptz/PTZ-01`) its name.
    """
    kind, _, rest = resource.partition("/")
    driver, _, target = rest.partition("/")
    name = None
    if kind == SCREEN:
        name = next((each for each in plan.everyone if plan.console_at(driver, each) == target), None)
    elif kind in RECORDED:
        name = next((tag for tag, ids in plan.cameras.items() if ids.get(driver) == target), None)
    return resource if name is None else f"{kind}/{driver}/{name}"
