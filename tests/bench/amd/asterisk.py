"""
The same clips through `AMD()` of the lab's Asterisk 22, in real time, many at once.

One half of a Local channel plays the clip, the other runs AMD() (`sip-lab/asterisk/extensions.conf`, contexts `amd-*`) and
tells its verdict as an AMI event. `tuned` are the settings that VICIdial's installations use.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialer.media.g711 import to_ulaw
from tests.bench.signalling import Manager
from tests.lab.container import Container

LAB: Final = Container(os.environ.get("LAB_NAME", "obzvon-lab-4"))
"""A container of its own, so that it runs beside the tests'."""
CHANNELS: Final = 90
CALL_SECONDS: Final = 40
Settings = Literal["default", "tuned"]


class AmdVerdict(msgspec.Struct, frozen=True):
    """AMDSTATUS (HUMAN, MACHINE, NOTSURE, HANGUP) and AMDCAUSE."""

    status: str
    cause: str


def judge_clips(
    clips: Mapping[str, NDArray[np.int16]], settings: Sequence[Settings]
) -> dict[Settings, dict[str, AmdVerdict]]:
    """Start the container if it is down, and judge every clip with each settings."""
    if not LAB.is_up:
        LAB.run("up")
    folder = LAB.out / "amd"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, samples in clips.items():
        (folder / f"{name}.ulaw").write_bytes(to_ulaw(samples.astype("<i2").tobytes()))
    try:
        return {one: asyncio.run(_judge(list(clips), one)) for one in settings}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _judge(names: Sequence[str], settings: Settings) -> dict[str, AmdVerdict]:
    manager = Manager(*await asyncio.open_connection(LAB.asterisk_host, 5038))
    manager.send(Action="Login", Username="bench", Secret="bench", Events="user,call")
    room = asyncio.Semaphore(CHANNELS)
    verdicts: dict[str, AmdVerdict] = {}

    async def originate() -> None:
        for name in names:
            await room.acquire()
            manager.send(
                Action="Originate",
                Channel=f"Local/{name}@amd-clip/n",
                Context="amd-judge",
                Exten=settings,
                Priority=1,
                Variable=f"CLIP={name}",
                Async="true",
            )

    async with asyncio.timeout(60 + len(names) * CALL_SECONDS / CHANNELS), asyncio.TaskGroup() as tasks:
        tasks.create_task(originate(), name="originate")
        async for packet in manager.packets():
            if packet.get("UserEvent") == "AmdVerdict":
                verdicts[packet["Clip"]] = AmdVerdict(packet["Status"], packet["Cause"])
                room.release()
                if len(verdicts) == len(names):
                    break
    manager.writer.close()
    return verdicts
