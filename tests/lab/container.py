"""A container of sip-lab/lab: its addresses, its console, its life. The one of a test run is `LAB`, named by LAB_NAME."""

import os
import subprocess
from pathlib import Path
from typing import Final

import msgspec

SCRIPT: Final = Path(__file__).parents[2] / "sip-lab" / "lab"
_OUT: Final = Path(__file__).parents[2] / ".lab"


class Container(msgspec.Struct, frozen=True):
    """Several may be up at once: the number that a name ends with (1 without one) is part of every address."""

    name: str

    @property
    def number(self) -> int:
        last = self.name.rpartition("-")[2]
        return int(last) if last.isdigit() else 1

    @property
    def asterisk_host(self) -> str:
        return f"127.0.0.{self.number}0"

    @property
    def proxy_host(self) -> str:
        """Kamailio's."""
        return f"127.0.0.{self.number}1"

    @property
    def callee_host(self) -> str:
        """Where Asterisk's endpoint `sipp` calls."""
        return f"127.0.0.{self.number}2"

    @property
    def load_host(self) -> str:
        return f"127.0.0.{self.number}3"

    def peer_host(self, peer: int) -> str:
        """Where Kamailio takes +7999NNN, `peer` being NNN."""
        return f"127.1.{self.number}.{peer}"

    @property
    def out(self) -> Path:
        """What is written to /out inside."""
        return _OUT / self.name

    def command(self, *arguments: str) -> list[str]:
        return ["env", f"LAB_NAME={self.name}", str(SCRIPT), *arguments]

    def run(self, *arguments: str) -> str:
        """Run `sip-lab/lab` with these arguments; return what it prints."""
        done = subprocess.run(
            self.command(*arguments), check=True, stdout=subprocess.PIPE, text=True, timeout=600
        )
        return done.stdout

    def console(self, command: str) -> str:
        """Run one command of Asterisk's own console."""
        return self.run("exec", "asterisk", "-rx", command)

    @property
    def is_up(self) -> bool:
        status = subprocess.run(self.command("status"), check=False, capture_output=True, timeout=60)
        return status.returncode == 0


LAB: Final = Container(os.environ.get("LAB_NAME", "obzvon-lab"))
