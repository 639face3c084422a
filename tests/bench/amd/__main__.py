"""
Who answered? Our classifier and Asterisk's AMD() on the same clips, with default settings and with tuned ones.

    python -m tests.bench.amd [--quick] [--clips N] [--seed N] [--no-asterisk] [--voices dev|many|fresh|unseen]
    python -m tests.bench.amd --classify FOLDER    # PATH<TAB>VERDICT<TAB>MS for each sound file

The clips are built from voices that the model has not heard (tests/bench/amd/voices.py): no real calls are among them. The
last line is one JSON object. `machine_to_human` counts unsure and silent machines as errors; `machine_unsure_first` are those that
were unsure for a while and are not in it.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from tests.bench.amd.asterisk import AmdVerdict, Settings, judge_clips
from tests.bench.amd.corpus import Clip, build_clips
from tests.bench.amd.figures import Errors, errors
from tests.bench.amd.folder import classify_folder
from tests.bench.amd.hearing import Result, hear
from tests.bench.amd.tone_figures import tone_figures
from tests.bench.amd.voices import fetch_sounds


def main(options: argparse.Namespace) -> None:
    fetch_sounds()
    clips = list(build_clips(options.voices, options.clips, options.seed))
    peers: dict[Settings, dict[str, AmdVerdict]] = {}
    if not options.no_asterisk:
        peers = judge_clips({clip.name: clip.samples for clip in clips}, ("default", "tuned"))
    results = hear([clip.samples for clip in clips])
    said = [result.verdict.answered_by if result.verdict else "silence" for result in results]
    table = {"obzvon": errors(clips, said)}
    for one, verdicts in peers.items():
        table[f"asterisk {one}"] = errors(clips, [verdicts[clip.name].status for clip in clips])
        print_causes(one, list(verdicts.values()))
    print_kinds(clips, said)
    print_parts("voices", [clip.group for clip in clips], clips, results)
    print_parts("noise", [f"{clip.line.noise_dbfs or 'none'}" for clip in clips], clips, results)
    levels = [int(clip.line.level_dbfs // 5) * 5 for clip in clips]
    print_parts("level, dBFS", [f"{low} to {low + 5}" for low in levels], clips, results)
    print_table(table)
    tones = tone_figures(
        repeats=4 if options.quick else 25,
        beeps=100 if options.quick else 800,
        speech_seconds=600 if options.quick else 7_200,
        seed=options.seed,
    )
    answer: dict[str, object] = {
        "clips": len(clips),
        "seed": options.seed,
        "voices": options.voices,
        "quick": options.quick,
    }
    answer |= msgspec.to_builtins(table.pop("obzvon"))
    answer |= human_delays(clips, results)
    answer |= unsure_shares(clips, results)
    answer |= messages_on_trial(clips, results)
    for name, figures in table.items():
        prefix = "asterisk_" if name == "asterisk default" else "asterisk_tuned_"
        answer |= {prefix + key: value for key, value in msgspec.to_builtins(figures).items()}
    print(json.dumps(answer | tones))


def human_delays(clips: Sequence[Clip], results: Sequence[Result]) -> dict[str, int | None]:
    """Milliseconds from the true end of a person's greeting to the verdict, of those who were taken for persons."""
    delays = [
        result.verdict.verdict_ms - clip.greeting_end_ms
        for clip, result in zip(clips, results, strict=True)
        if clip.label == "human"
        and clip.greeting_end_ms is not None
        and result.verdict is not None
        and result.verdict.answered_by == "human"
    ]
    return {
        f"human_verdict_ms_p{percent}": round(float(np.percentile(delays, percent))) if delays else None
        for percent in (50, 95)
    }


def unsure_shares(clips: Sequence[Clip], results: Sequence[Result]) -> dict[str, float]:
    """Share of the people who were never decided, and of the machines that were `unsure` (so with a person) before they were told."""
    unsure = [any(verdict.answered_by == "unsure" for verdict in result.verdicts) for result in results]
    final = [result.verdict.answered_by if result.verdict else "silence" for result in results]
    people = [said == "unsure" for clip, said in zip(clips, final, strict=True) if clip.label == "human"]
    late = [
        was_unsure and said not in {"unsure", "human", "silence"}
        for clip, was_unsure, said in zip(clips, unsure, final, strict=True)
        if clip.label == "machine"
    ]
    return {
        "human_unsure": round(float(np.mean(people)), 4),
        "machine_unsure_first": round(float(np.mean(late)), 4),
    }


def messages_on_trial(clips: Sequence[Clip], results: Sequence[Result]) -> dict[str, float]:
    """Share of the people to whom a message would begin for a moment, since a beep is suspected."""
    begun = [
        bool(result.suspicions) for clip, result in zip(clips, results, strict=True) if clip.label == "human"
    ]
    return {"human_message_on_trial": round(float(np.mean(begun)), 4)}


def print_table(table: dict[str, Errors]) -> None:
    fields = Errors.__struct_fields__[2:]
    print("\n" + f"{'':18}" + "".join(f"{field:>26}" for field in fields))
    for name, figures in table.items():
        print(f"{name:18}" + "".join(f"{getattr(figures, field) * 100:25.2f}%" for field in fields))


def print_kinds(clips: Sequence[Clip], said: Sequence[str]) -> None:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for clip, verdict in zip(clips, said, strict=True):
        kinds[f"{clip.label} {clip.kind}"][verdict] += 1
    for kind, counts in sorted(kinds.items()):
        print(f"{kind:24}", ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common()))


def print_parts(what: str, part_of: Sequence[str], clips: Sequence[Clip], results: Sequence[Result]) -> None:
    """Print the same figures for each language or source, noise or level; with counts, since some parts are small."""
    print(
        f"\n{what:18}{'people lost':>16}{'machines missed':>18}{'balanced':>10}{'median ms':>11}{'95 % ms':>9}"
    )
    for part in sorted(set(part_of)):
        rows = [row for row, one in enumerate(part_of) if one == part]
        some, heard = [clips[row] for row in rows], [results[row] for row in rows]
        figures = errors(some, [one.verdict.answered_by if one.verdict else "silence" for one in heard])
        lost = f"{figures.human_to_machine * figures.humans:.0f} of {figures.humans}"
        missed = f"{figures.machine_to_human * figures.machines:.0f} of {figures.machines}"
        middle, late = human_delays(some, heard).values()
        print(f"{part:18}{lost:>16}{missed:>18}{figures.balanced_accuracy:10.1%}{middle!s:>11}{late!s:>9}")


def print_causes(settings: str, verdicts: Sequence[AmdVerdict]) -> None:
    counts = Counter(f"{verdict.status}:{verdict.cause.partition('-')[0]}" for verdict in verdicts)
    print(f"asterisk {settings}:", ", ".join(f"{cause} {count}" for cause, count in counts.most_common(8)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="120 clips, within 50 s")
    parser.add_argument("--clips", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--no-asterisk", action="store_true", help="our classifier only; no container is needed"
    )
    parser.add_argument(
        "--voices",
        choices=["test", "dev", "many", "fresh", "unseen"],
        default="test",
        help="dev: those the model was trained on, with a seed it was not, so that nobody tunes on the test voices; "
        "many: their languages and recordings with many more voices; "
        "fresh: languages of espeak-ng in no other split, for when the test voices have been looked at too often; "
        "unseen: six more, for when those have been, too",
    )
    parser.add_argument("--classify", type=Path, metavar="FOLDER")
    chosen = parser.parse_args()
    if chosen.classify is not None:
        sys.exit(classify_folder(chosen.classify))
    chosen.clips = chosen.clips or (120 if chosen.quick else 2_400)
    main(chosen)
