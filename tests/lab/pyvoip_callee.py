"""
A pyVoIP phone that registers, answers one call, plays a tone and tells what it has heard; on its own, for its threads.

Arguments: Asterisk's address, our port, the tone in hertz. A line on standard input hangs up.
"""

import math
import sys
import threading
import time

import numpy as np
from pyVoIP.VoIP import CallState, PhoneStatus, VoIPCall, VoIPPhone


def say(*words: object) -> None:
    print(*words, flush=True)


def main() -> None:
    server, port, hertz = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    wants_end, is_over = threading.Event(), threading.Event()
    tone = bytes(round(128 + 60 * math.sin(2 * math.pi * hertz * index / 8_000)) for index in range(8_000))

    def answer(call: VoIPCall) -> None:
        heard = bytearray()
        call.answer()
        say("answered")
        began_at, written = time.monotonic(), 0
        while call.state is CallState.ANSWERED and not wants_end.is_set():
            due = int((time.monotonic() - began_at + 0.5) * 8_000)
            while written < due:  # half a second ahead of what is sent
                call.write_audio(tone)
                written += len(tone)
            heard += call.read_audio(160, blocking=False)
            time.sleep(0.02)
        if wants_end.is_set():
            call.hangup()
        sound = np.frombuffer(bytes(heard), np.uint8).astype(float) - 128
        spectrum = np.abs(np.fft.rfft(sound))
        spectrum[:50] = 0  # its silence is no zero
        say("heard", np.fft.rfftfreq(len(sound), 1 / 8_000)[int(np.argmax(spectrum))])
        is_over.set()

    def listen() -> None:
        sys.stdin.readline()
        wants_end.set()

    phone = VoIPPhone(
        server, 5060, "phone", "lab-password", myIP="127.0.0.1", callCallback=answer, sipPort=port,
        rtpPortLow=27_000, rtpPortHigh=27_100,
    )  # fmt: skip
    phone.start()
    while phone.get_status() is not PhoneStatus.REGISTERED:
        time.sleep(0.1)
    say("registered")
    threading.Thread(target=listen, daemon=True).start()
    is_over.wait(60)
    time.sleep(0.5)  # for the answer to its BYE
    phone.stop()


if __name__ == "__main__":
    main()
