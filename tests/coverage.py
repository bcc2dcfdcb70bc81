#!/usr/bin/python3
"""coverage.py BUILD [--missed FILE...] - how much of each room the tests have run.

BUILD was configured with -DMAILWHY_COVERAGE=ON -DCMAKE_BUILD_TYPE=Debug and its
tests have run (./dev coverage does both).  Lines and branches are gcov's own
(gcc, -O0): every line with code, every way out of every condition; nothing is
left out, not the ways that only a failed allocation goes.  A function in a
header counts once, run from wherever.

The rooms of GATE must reach their figures, or the exit status is 1.
--missed also lists, for files whose path ends so, the lines never run (12!)
and those with a way never gone (12).
"""
import argparse
import collections
import glob
import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOMS = ["dissectors", "analyzer/record", "analyzer/capture", "analyzer/flow", "analyzer/mail", "analyzer/correlator", "analyzer/report"]
#        room: per cent of lines, of branches
GATE = {"dissectors": (90, 80), "analyzer/flow": (90, 80), "analyzer/correlator": (90, 80)}


class Line:
    def __init__(self):
        self.count, self.ways = 0, []

    def add(self, line):
        self.count += line["count"]
        ways = [b["count"] for b in line["branches"]]
        if len(ways) < len(self.ways):
            ways += [0] * (len(self.ways) - len(ways))
        self.ways = [a + b for a, b in zip(self.ways + [0] * (len(ways) - len(self.ways)), ways)]


def found(build, ending):
    return sorted(glob.glob(os.path.join(build, "**", "*" + ending), recursive=True))


def gcov(build, data):
    out = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *data], cwd=build,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return [f for doc in out.splitlines() for f in json.loads(doc)["files"]]


def counters(build):
    """source file -> (function, line number) -> Line."""
    files = collections.defaultdict(lambda: collections.defaultdict(Line))
    for f in gcov(build, found(build, ".gcda")):
        path = os.path.relpath(os.path.join(build, f["file"]), TOP)
        for line in f["lines"]:
            files[path][line.get("function_name"), line["line_number"]].add(line)
    return files


def never_run(build):
    """Sources with code and no counters at all: a file nobody links would else not be missed.  A file of tables has no code."""
    run = {os.path.basename(p)[:-len(".gcda")] for p in found(build, ".gcda")}
    ours = {os.path.basename(p) for room in ROOMS for p in found(os.path.join(TOP, room), ".c")}
    idle = {os.path.basename(p)[:-len(".gcno")]: p for p in found(build, ".gcno")}
    return sorted(name for name, note in idle.items() if name in ours - run and any(f["lines"] for f in gcov(build, [note])))


def per_cent(lines):
    ways = [w for l in lines for w in l.ways]
    ran, gone = sum(l.count > 0 for l in lines), sum(w > 0 for w in ways)
    return (100.0 * ran / len(lines), 100.0 * gone / max(1, len(ways)), len(lines), len(ways))


def missed(lines):
    for (_, number), l in sorted(lines.items(), key=lambda item: item[0][1]):
        if l.count == 0:
            yield "%d!" % number
        elif 0 in l.ways:
            yield "%d" % number


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("build")
    ap.add_argument("--missed", nargs="*", default=[])
    o = ap.parse_args()
    files = counters(os.path.abspath(o.build))
    low = 0
    print("%-22s %14s %17s" % ("room", "lines", "branches"))
    for room in ROOMS:
        lines = [l for path, ls in files.items() if path.startswith(room + "/") for l in ls.values()]
        if not lines:
            print("%-22s no counters: did the tests run?" % room)
            low += room in GATE
            continue
        ran, gone, n, m = per_cent(lines)
        want = GATE.get(room, (0, 0))
        bad = ran < want[0] or gone < want[1]
        low += bad
        print("%-22s %5.1f %% of %4d %5.1f %% of %4d  %s" % (
            room, ran, n, gone, m, "LOW, wanted %d and %d" % want if bad else "wanted %d and %d" % want if room in GATE else ""))
    unlinked = never_run(os.path.abspath(o.build))
    if unlinked:
        print("run by no test at all: %s" % " ".join(unlinked))
    for path in sorted(files):
        if any(path.endswith(m) for m in o.missed):
            print("%s: %s" % (path, " ".join(missed(files[path]))))
    return 1 if low or unlinked else 0


if __name__ == "__main__":
    sys.exit(main())
