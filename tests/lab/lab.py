#!/usr/bin/python3
"""lab.py [--fast] [-k NAME] [--drawn A-B | --mixed A-B | --odd A-B] [-j N] MAILWHY - real hosts, real mail servers, real faults.

Each scenario (scenarios.py) builds its own namespaces, is watched by mailwhy
live and by tcpdump at several places, and mailwhy must say of each what is
true there: the kinds wanted are said (possible or above), and nobody else is
accused.  Prints a table kind by kind and, last, `N passed, M failed`.
What cannot run here is skipped, with the reason.  docs/lab.md has the rest.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from net import HERE, Net, Trouble, Watch, parse  # noqa: E402
import exim  # noqa: E402
from drawn import drawn  # noqa: E402
from mixed import TOGETHER, connections, mixed  # noqa: E402
from odd import odd  # noqa: E402
import scenarios_exim  # noqa: E402,F401 (adds to the list)
import scenarios_path  # noqa: E402,F401
from scenarios import SCENARIOS  # noqa: E402

LEVEL = {"cannot-tell": 0, "possible": 1, "probable": 2, "confirmed": 3}
TOP = os.path.dirname(os.path.dirname(HERE))
TOOLS = ("ip", "nft", "ethtool", "tcpdump", "sysctl")


def accusing_kinds():
    text = open(os.path.join(TOP, "analyzer/correlator/finding/kinds.def"), encoding="utf-8").read()
    return {m.group(1) for m in re.finditer(r'KIND\(\w+, "([a-z0-9-]+)", \d+, \w+, true,', text)}


ACCUSING = accusing_kinds()


def last_findings(lines):
    """The findings as they stand at the end: live, each comes again when it grows, or is taken back."""
    last = {}
    for l in lines:
        if l.get("type") == "finding":
            last[l["id"]] = l
    return [l for l in last.values() if not l.get("retracted")]


class Lab:
    """What a scenario's function is given."""

    def __init__(self, scenario, binary, net):
        self.scenario, self.binary, self.net = scenario, binary, net
        self.outcome, self.watching = [], None

    def watch(self):
        self.watching = Watch(self.net, self.binary, self.scenario.dumps, self.scenario.live)


class Result:
    def __init__(self, scenario):
        self.scenario, self.errors, self.table, self.seconds = scenario, [], collections.Counter(), 0
        self.said = {}

    def judge(self, where, place, lines):
        """One report, of a live run or a file, against what is true at its place."""
        s, found = self.scenario, last_findings(lines)
        best = {}
        for f in found:
            best[f["kind"]] = max(best.get(f["kind"], -1), LEVEL[f["confidence"]])
        self.said[where] = {k: v for k, v in sorted(best.items()) if v >= 1 and (k in ACCUSING or any(k in w for w in s.want))}
        fine = set(s.may)
        for wanted, places in s.want.items():
            kinds = wanted.split("|")
            fine.update(kinds)
            if place not in places:
                continue
            least = LEVEL["probable" if place in s.sure and wanted == next(iter(s.want)) else "possible"]
            hit = any(best.get(k, -1) >= least for k in kinds)
            self.table[(kinds[0], "found" if hit else "missed")] += 1
            if not hit:
                self.errors.append("%s: missed %s (%s at least)" % (where, wanted, ("possible", "probable")[least - 1]))
        for k, level in best.items():
            if k in ACCUSING and ((k not in fine | s.hint and level >= 1) or (k in s.hint and level > 1)):
                self.table[(k, "false")] += 1
                self.errors.append("%s: falsely said %s" % (where, k))
        if s.tries and any(place in p for p in s.want.values()):
            got = {f["mtu"]["try"] for f in found if f.get("mtu") and f["kind"] in s.want}
            if got != {s.tries}:
                self.errors.append("%s: proposes MTU %s, not %d" % (where, sorted(got, key=str), s.tries))


def read_file(binary, *paths):
    p = subprocess.run([binary, "--json", *paths], capture_output=True, timeout=120)
    return p.returncode, parse(p.stdout)


def judge_mixed(result, lab, live):
    """What is said of each client: live, in each file, and in several files read together."""
    files = lab.watching.files
    runs = [("live at " + p, (p,), lines) for p, lines in live.items()]
    runs += [(" ".join(places), places, None) for places in [(p,) for p in files] + list(TOGETHER)]
    for where, places, lines in runs:
        paths = [files[p] for p in places]
        if lines is None:
            rc, lines = read_file(lab.binary, *paths)
            if rc != 0:
                result.errors.append("%s: exit status %d" % (where, rc))
        ends = connections(lab.binary, paths, os.path.join(lab.net.dir, "records")) if not where.startswith("live") else {}
        found = last_findings(lines)
        result.said[where] = {f["kind"]: LEVEL[f["confidence"]] for f in found if f["kind"] in ACCUSING and f["confidence"] != "cannot-tell"}
        lab.scenario.mix.judge(result, where, places, found, ends, ACCUSING, LEVEL)


def play(scenario, binary, keep):
    result, began = Result(scenario), time.monotonic()
    try:
        with Net() as net:
            net.build(scenario.wire)
            lab = Lab(scenario, binary, net)
            scenario.play(lab)
            live, trouble = lab.watching.stop()
            result.errors += trouble
            ends = [o["ok"] for o in lab.outcome]
            if len(ends) != len(scenario.ends) or any(w is not None and w != e for w, e in zip(scenario.ends, ends)):
                result.errors.append("the lab: clients ended %s, not %s: %s" % (ends, scenario.ends, lab.outcome))
            if scenario.mix:
                judge_mixed(result, lab, live)
                live, lab.watching.files = {}, {}
            for place, lines in live.items():
                result.judge("live at " + place, place, lines)
            for place in lab.watching.files:
                pieces = lab.watching.pieces(place)
                rc, lines = read_file(binary, *pieces) if pieces else (0, [])
                if rc != 0:
                    result.errors.append("%s: exit status %d" % (place, rc))
                result.judge(place + ".pcap", place, lines)
            if keep and (result.errors or keep.endswith("/")):
                shutil.copytree(net.dir, os.path.join(keep, scenario.name), dirs_exist_ok=True,
                                ignore=lambda d, names: [n for n in names if not n.endswith((".pcap", ".jsonl", "log"))])
    except Trouble as e:
        result.errors.append("the lab: %s" % e)
    result.seconds = time.monotonic() - began
    return result


def cannot_run():
    """Why nothing can run here, or None: tried, not guessed."""
    missing = [t for t in TOOLS if shutil.which(t) is None]
    if os.geteuid() != 0:
        return "needs root"
    if missing:
        return "not installed: " + ", ".join(missing)
    try:
        with Net() as net:
            net.build()
            net.nft("hr", ("forward: tcp dport 25 reject with tcp reset",))
    except Trouble as e:
        return "this machine cannot build the network: %s" % e
    return None


def lacks(scenario):
    """What a scenario needs and is not there, in words, or None."""
    missing = [t for t in scenario.needs if t != "exim" and shutil.which(t) is None]
    if missing:
        return "not installed: " + ", ".join(missing)
    return exim.trouble() if "exim" in scenario.needs else None


def numbers(text):
    """"7" or "7-9"."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def show(result, verbose):
    print("%-8s%-30s %5.1f s  %s" % ("FAILED" if result.errors else "ok", result.scenario.name, result.seconds, result.scenario.title))
    for e in result.errors:
        print("          " + e)
    for where, kinds in sorted(result.said.items()) if verbose or result.errors else ():
        print("          %-18s %s" % (where, "  ".join("%s %s" % (k, [n for n, v in LEVEL.items() if v == l][0]) for k, l in kinds.items())))
    sys.stdout.flush()


def report(results, skipped):
    table = collections.Counter()
    for r in results:
        table.update(r.table)
    print("%-32s %6s %6s %6s" % ("kind", "found", "missed", "false"))
    for k in sorted({k for k, _ in table}):
        print("%-32s %6d %6d %6d" % (k, table[(k, "found")], table[(k, "missed")], table[(k, "false")]))
    if skipped:
        print("skipped: %d" % skipped)
    failed = sum(1 for r in results if r.errors)
    print("%d passed, %d failed" % (len(results) - failed, failed))
    return failed


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("binary")
    ap.add_argument("--fast", action="store_true", help="the subset of the ordinary test run")
    ap.add_argument("-k", default="", metavar="NAME", help="only scenarios whose name matches this pattern")
    ap.add_argument("-j", type=int, default=2, metavar="N", help="so many at a time")
    ap.add_argument("-v", action="store_true", help="what was said at each place")
    ap.add_argument("--keep", metavar="DIR", help="keep the captures of failures there (DIR/ with a slash: of all)")
    ap.add_argument("--exim", metavar="DIR", help="where Debian's Exim is unpacked (exim/ beside MAILWHY)")
    ap.add_argument("--drawn", type=numbers, metavar="A-B", help="instead: the scenarios A to B of those drawn by lot (drawn.py)")
    ap.add_argument("--mixed", type=numbers, metavar="A-B", help="... of several clients at once (mixed.py)")
    ap.add_argument("--odd", type=numbers, metavar="A-B", help="... of odder hosts, devices and captures (odd.py)")
    ap.add_argument("--repeat", type=int, default=1, metavar="N", help="each scenario so often")
    a = ap.parse_args()
    binary = os.path.abspath(a.binary)
    exim.unpacked = os.path.abspath(a.exim or os.path.join(os.path.dirname(binary), "exim"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    why = cannot_run()
    if why:
        print("skipped: the fault lab: %s\n0 passed, 0 failed" % why)
        return 0
    jobs, skipped = [], 0
    with concurrent.futures.ThreadPoolExecutor(a.j) as pool:
        for s in map(drawn, a.drawn) if a.drawn else map(mixed, a.mixed) if a.mixed else map(odd, a.odd) if a.odd else SCENARIOS:
            if (a.fast and not s.fast) or not re.search(a.k, s.name):
                continue
            why = lacks(s)
            if why:
                skipped += 1
                print("skipped %-30s %s" % (s.name, why))
                continue
            jobs += [pool.submit(play, s, binary, a.keep) for _ in range(a.repeat)]
        results = []
        try:
            for j in concurrent.futures.as_completed(jobs):
                results.append(j.result())
                show(results[-1], a.v)
        except BaseException:
            for j in jobs:
                j.cancel()
            for net in list(Net.alive):  # those that run find their processes gone, and clean up
                net.end_all()
            raise
    return report(results, skipped) != 0


if __name__ == "__main__":
    sys.exit(main())
