"""
People who talk, in a process of their own: each sends unguessable sound from its port to the same port of the dialer.

    python -m tests.dialer.recording.talkers FROM_HOST TO_HOST PACKETS PORT,PORT,...
"""

import random
import socket
import struct
import sys
import time

SSRC = 0x0B2F0001
FRAME_SECONDS = 0.02


def sound_of(port: int, packets: int, side: str = "callee") -> bytes:
    """What is said on a port, G.711; never the byte of silence, so that none can be taken for it."""
    noise = random.Random(f"{side} {port}").randbytes(160 * packets)
    return noise.replace(b"\xff", b"\x7e").replace(b"\xd5", b"\x55")


def main(from_host: str, to_host: str, packets: int, ports: list[int]) -> None:
    sockets, sounds = [], []
    for port in ports:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((from_host, port))
        made.connect((to_host, port))
        sockets.append(made)
        sounds.append(sound_of(port, packets))
    started = time.monotonic()
    for number in range(packets):
        time.sleep(max(0.0, started + number * FRAME_SECONDS - time.monotonic()))
        header = struct.pack("!BBHII", 0x80, 0, number, 160 * number, SSRC)
        for made, sound in zip(sockets, sounds, strict=True):
            made.send(header + sound[160 * number : 160 * (number + 1)])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), [int(port) for port in sys.argv[4].split(",")])
