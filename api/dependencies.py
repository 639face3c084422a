"""What handlers are given; `api.app` provides it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from litestar import Request
from litestar.di import NamedDependency

import analytics.database
from api.auth import Principal
from api.live import LiveHub
from api.readers import Readers as ReadersOfReports
from api.settings import ApiSettings
from campaigns.recording_keeper import RecordingKeeper
from campaigns.store import CampaignStore

ApiRequest = Request[Any, Principal, Any]
"""A request that a guard of `api.auth` let through."""

Pool = NamedDependency[analytics.database.Pool]
Readers = NamedDependency[ReadersOfReports]
"""For reports, instead of `Pool`."""
Store = NamedDependency[CampaignStore]
Hub = NamedDependency[LiveHub]
Settings = NamedDependency[ApiSettings]
Keeper = NamedDependency[RecordingKeeper]
Clock = NamedDependency[Callable[[], datetime]]
"""The wall clock, in UTC."""
