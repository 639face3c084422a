"""Ids made by the client, without a sequence (41 bits of time, 10 of the node, 12 of a counter), and the shard of a row."""

import zlib
from typing import Final

EPOCH_MS: Final = 1_577_836_800_000
"""2020-01-01 UTC; the 41 bits last until 2089."""
NODE_BITS: Final = 10
COUNTER_BITS: Final = 12
SLOTS_PER_CAMPAIGN: Final = 256


class SnowflakeIds:
    """
    The ids of one run of one node: unique as long as no two living runs share `id_node`, and growing.

    When the clock steps back, or more than 4096 ids are asked for in one millisecond, ids go on from the last one, a little
    ahead of the clock.
    """

    def __init__(self, id_node: int) -> None:
        if not 0 <= id_node < 1 << NODE_BITS:
            raise ValueError("id_node has ten bits")
        self._node = id_node << COUNTER_BITS
        self._tick = -1
        """Milliseconds and counter in one number: counting over its edge is the next millisecond."""

    def next(self, now_ms: int) -> int:
        """Return a new id. `now_ms` is Unix time in milliseconds."""
        self._tick = max(self._tick + 1, (now_ms - EPOCH_MS) << COUNTER_BITS)
        ms, counter = self._tick >> COUNTER_BITS, self._tick & ((1 << COUNTER_BITS) - 1)
        return ms << (NODE_BITS + COUNTER_BITS) | self._node | counter


def time_of(snowflake: int) -> int:
    """Return the Unix milliseconds in an id."""
    return (snowflake >> (NODE_BITS + COUNTER_BITS)) + EPOCH_MS


def shard_key(campaign_id: int, number: str, split: int) -> int:
    """Return the shard of a number: always the same one within a campaign, so that one shard can hold it unique."""
    return campaign_id * SLOTS_PER_CAMPAIGN + zlib.crc32(number.encode()) % split
