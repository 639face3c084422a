"""Parameters that many routes take."""

from datetime import datetime
from typing import Annotated

from litestar.params import PathParameter, QueryParameter

from dialer.outcome import Result

MAX_CAMPAIGN_ID = 2**23 - 1
"""The bound of `campaigns.campaign_id`."""

CampaignId = Annotated[int, PathParameter(ge=1, le=MAX_CAMPAIGN_ID)]
TrunkId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
ImportId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
AfterId = Annotated[int, QueryParameter(ge=0, le=2**31 - 1)]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Cursor = Annotated[str | None, QueryParameter()]

OfCampaign = Annotated[int | None, QueryParameter(name="campaign_id", ge=1, le=MAX_CAMPAIGN_ID)]
OfResult = Annotated[Result | None, QueryParameter(name="result")]
Instant = datetime
"""RFC 3339; Litestar does not insist on an offset, so handlers do."""
From = Annotated[Instant | None, QueryParameter(name="from")]
To = Annotated[Instant | None, QueryParameter(name="to")]
