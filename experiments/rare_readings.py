"""Which passing Tang poems rely on a reading that verse hardly ever uses.

Run: python -m experiments.rare_readings

Every Tang poem of four or eight lines of five or seven characters is checked as 絕 or 律. Told are the share of passes
that rely on a rare reading, each such reading with how many passes do and a line of it, and the rules broken
without it.
"""

from collections import Counter

from experiments.prosody_corpus import SHAPES, has_shape, judge, tang_poems


def main() -> None:
    """Count and print."""
    passes = relying = 0
    readings: Counter[str] = Counter()
    rules: Counter[object] = Counter()
    places: dict[str, str] = {}
    for _, lines in tang_poems():
        for form in (form for form in SHAPES if has_shape(lines, form)):
            verdict = judge(lines, form)
            notes = [note.cause for note in verdict.notes if note.cause["code"] == "rare_reading"]
            passes += verdict.ok
            relying += verdict.ok and bool(notes)
            for cause in notes if verdict.ok else ():
                reading = f"{cause['has']} {cause['wanted']} ({cause['times']} of {cause['total']})"
                readings[reading] += 1
                rules[cause["rule"]] += 1
                places.setdefault(reading, lines[int(str(cause["line"])) - 1])
    print(f"{relying:,} of {passes:,} passes ({relying / passes:.2%}) rely on {len(readings)} rare readings")
    print(", ".join(f"{rule} {times}" for rule, times in rules.most_common()))
    for reading, times in readings.most_common():
        print(f"{times:4d}  {reading}  {places[reading]}")


if __name__ == "__main__":
    main()
