"""A database as it was before a migration, and after it: later ones are taken back first and done again last."""

from pathlib import Path

from campaigns.database import Connection
from campaigns.migrate import MIGRATIONS_DIR


def halves(path: Path) -> tuple[str, str]:
    up, _, down = path.read_text(encoding="utf-8").partition("-- migrate:down")
    return up, down


class Steps:
    """Of one migration, whose file begins with `version`."""

    def __init__(self, connection: Connection, version: str) -> None:
        self._connection = connection
        paths = sorted(MIGRATIONS_DIR.glob("*.sql"))
        (index,) = (index for index, path in enumerate(paths) if path.name.startswith(version))
        self._own, self._later = paths[index], paths[index + 1 :]

    async def take_back_later(self) -> None:
        for path in reversed(self._later):
            await self._connection.execute(halves(path)[1])

    async def take_back(self) -> None:
        await self._connection.execute(halves(self._own)[1])

    async def do(self) -> None:
        await self._connection.execute(halves(self._own)[0])

    async def do_later(self) -> None:
        for path in self._later:
            await self._connection.execute(halves(path)[0])
