"""What the site says about dispatch by its own exchange: which one. Everything else stands there."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    pbx: str = ""
    """Name of the exchange (`pbx[].name`, of type `sip`). Default: the only one."""
