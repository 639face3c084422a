import subprocess
import sys


def test_what_is_loaded_is_looked_at_no_more_and_young_objects_seldom() -> None:
    program = (
        "import gc; from dialer.garbage import collect_seldom; before = gc.get_threshold()[0]; collect_seldom();"
        "print(gc.get_freeze_count() > 1_000, gc.get_threshold()[0] > 10 * before, gc.isenabled())"
    )
    # in a process of its own, because it holds for the whole of one
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output.split() == ["True", "True", "True"]
