"""Is it up?"""

import msgspec
from litestar import Controller, get

from api.dependencies import Pool
from api.errors import PROBLEM_RESPONSES


class Health(msgspec.Struct, frozen=True):
    """The process serves and its database answers; otherwise the answer is a problem with status 503."""

    status: str = "ok"


class HealthController(Controller):
    """For load balancers; needs no key and tells nothing else."""

    path = "/v1/health"
    tags = ("health",)

    @get(operation_id="get_health", security=[{}], responses=PROBLEM_RESPONSES)
    async def health(self, pool: Pool) -> Health:
        await pool.fetchval("SELECT 1", timeout=5)
        return Health()
