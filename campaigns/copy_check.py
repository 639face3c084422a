"""Whether copies of recordings can be written: a small file goes to the user's own storage, is read back, and deleted."""

from campaigns.findings import Finding, found
from campaigns.recording_storage import CopySettings, CopyStorage, StorageFailed

CHECK_NAME = "obzvon-check-{token}.txt"
CHECK_SECONDS = 15.0


async def check_copies(settings: CopySettings | None, token: str) -> list[Finding]:
    """Look; `token` makes the file's name one that nobody else has. Nothing where nothing is copied."""
    if settings is None:
        return []
    try:
        storage = CopyStorage(settings, operation_seconds=CHECK_SECONDS, io_seconds=CHECK_SECONDS)
        await storage.check(CHECK_NAME.format(token=token))
    except StorageFailed as failed:
        return [found("copy_unwritable", scheme=settings.scheme, reason=failed.code, error=failed.kind)]
    return [found("copy_writable", scheme=settings.scheme)]
