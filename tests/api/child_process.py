"""A child for the supervisor's tests: `python -m tests.api.child_process ready|silent|crash|stubborn`."""

import signal
import sys
import time


def main() -> None:
    kind = sys.argv[1]
    if kind == "crash":
        sys.exit("something broke")
    if kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind != "silent":
        print(f"ready as {kind}", flush=True)
    time.sleep(60)


if __name__ == "__main__":
    main()
