"""Define what the server tells of itself."""

from pydantic import Field

from twap_models.base import ResponseModel
from twap_models.enums import MarketMode, RegistrationMode
from twap_models.fields import UtcDatetime


class DemoAccount(ResponseModel):
    """The account of a demo server; both are public."""

    username: str
    password: str


class ServerInfo(ResponseModel):
    """What runs here, and how one gets in."""

    name: str
    version: str
    time: UtcDatetime = Field(description="The server's clock.")
    market: MarketMode | str = Field(
        description="live: exchanges. demo: a simulated market. replay: a recording."
    )
    registration: RegistrationMode | str = Field(description="Who may make an account.")
    oidc: bool = Field(default=False, description="Whether an OpenID provider signs in too.")
    demo: DemoAccount | None = Field(default=None, description="Of a demo server: whoever likes may use it.")
