"""The cursor of a list that goes newest first: the time and id of the row that a page ended with, unreadable on purpose."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The row that a page ended with."""

    started_us: int
    row_id: int


class InvalidCursor(ValueError):
    """The cursor was not made by us."""


def cursor_after(started_time: datetime, row_id: int) -> str:
    """Return the cursor of the page that follows this row."""
    position = Position((started_time - EPOCH) // timedelta(microseconds=1), row_id)
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def read_cursor(cursor: str) -> tuple[datetime, int]:
    """Return the time and id that a cursor stands for. Raises `InvalidCursor` for anything else than a cursor."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(data, type=Position)
        started_time = EPOCH + timedelta(microseconds=position.started_us)
    except (msgspec.MsgspecError, UnicodeError, binascii.Error, ValueError, OverflowError) as error:
        raise InvalidCursor(str(error)) from error
    if not 0 <= position.row_id < 2**63:
        raise InvalidCursor("id out of range")
    return started_time, position.row_id
