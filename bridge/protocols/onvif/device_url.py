"""The setting that says where an ONVIF device is. The base of the driver's and the trigger's settings."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bridge.errors import ProtocolError
from bridge.protocols.http_outgoing import checked_path
from bridge.protocols.http_settings import HttpSettings
from bridge.protocols.secret import Secret

DEVICE_SERVICE: Final = "/onvif/device_service"
"""Where a device service is, if nothing else is written (ONVIF Core specification, 5.1.1)."""


class DeviceUrl(BaseModel):
    """A device and the user that may ask it."""

    # An address with a password in it must not stand in the error that refuses it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    """`http[s]://host[:port]`, with the path of its device service if that is unusual."""
    user: str = Field(min_length=1)
    password: Secret

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        HttpSettings(base_url=url)
        try:
            checked_path(urlsplit(url).path or "/")
        except ProtocolError as error:
            raise ValueError(str(error)) from None
        return url

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def device_service(self) -> str:
        """The path of the device service."""
        path = urlsplit(self.url).path
        return DEVICE_SERVICE if path in ("", "/") else path
