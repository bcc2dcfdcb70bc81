#!/usr/bin/env python3
"""matrix.py BUILD [WORD ...] - every finding kind against captures that must and must not show it.

KIND.scenario holds cases: `=== yes: words' (KIND must be said) or `=== no:
words' (KIND must not), each a scenario text (README.md).  `say KIND ...' names
the other findings that belong to a case; any other accusing kind counts as a
false accusation.  `says WORDS', `says not WORDS': what the findings of the
case's kind say, or do not.  `frames N ...': one of their sentences is proved by these;
`spans N M': one of them is about what happened from frame N to M; `severity WORD': one of them is an error, a warning,
an info.  `decided': none of them cannot tell.  `fates FATE / FATE': what became of each mail.  The rows of replies.tsv become cases by themselves, the shipped
captures count by their labels.

--show prints the texts and the findings of the cases whose name holds a WORD.
Prints the confusion matrix and, last, `N passed, M failed'.
"""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests/ready"))
import edit  # noqa: E402
import labelled  # noqa: E402
import ready  # noqa: E402
import rows  # noqa: E402
import words  # noqa: E402

LEVELS = ["cannot-tell", "possible", "probable", "confirmed"]
KIND = re.compile(r'KIND\(\w+, "([a-z0-9-]+)", (\d+), \w+, (true|false),')


class Case:
    def __init__(self, kind, wanted, name):
        self.kind, self.wanted, self.name = kind, wanted, name
        self.lines, self.say = [], []       # say: (kind, subkind or None, comparison, level)
        self.fates = None                   # of all mails, in their order
        self.says = []                      # (True, what a finding of the kind says), (False, what none does)
        self.frames = []                    # of a sentence of such a finding, each
        self.severity = None                # of such a finding
        self.decided = False                # none of the kind cannot tell
        self.spans = []                     # (first, last) frame of such a finding, each
        self.places = [(None, [])]          # of each capture: None, or the PLACE of `also PLACE'; `edit ...' done to it
        self.reply = None                   # the reply that must be quoted, and where it came
        self.errors, self.said, self.false = [], [], []
        if wanted:
            self.say.append((kind, None, ">=", "possible"))

    def expect(self, words):
        """KIND, KIND(subkind), KIND>=probable, KIND=possible"""
        for word in words:
            m = re.fullmatch(r"([a-z0-9-]+)(?:\(([^)]*)\))?(?:(>?=)([a-z-]+))?", word)
            if m is None or (m.group(4) and m.group(4) not in LEVELS):
                sys.exit("%s: `say %s' is not understood" % (self.name, word))
            self.say = [s for s in self.say if s[0] != m.group(1) or s[1] is not None or m.group(2) == s[1]]
            self.say.append((m.group(1), m.group(2), m.group(3) or ">=", m.group(4) or "possible"))


def kinds_read():
    text = open(os.path.join(TOP, "analyzer/correlator/finding/kinds.def"), encoding="utf-8").read()
    return {m.group(1): m.group(3) == "true" for m in KIND.finditer(text)}


# ---- reading cases ---------------------------------------------------------------------

def macros_read():
    """A line `@name' after a blank line or a comment begins a word."""
    macros, name, before = {}, None, ""
    for line in open(os.path.join(HERE, "macros.txt"), encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("@") and (before == "" or before.startswith("#")):
            name = line[1:]
            macros[name] = []
        elif line and not line.startswith("#"):
            macros[name].append(line)
        before = line
    return macros


def expand(lines, macros, state=None, depth=0):
    """The scenario text of a case."""
    state = state if state is not None else {"n": 0}
    out = []
    for line in lines:
        if line.startswith("@") and depth < 8:
            name, *words = line[1:].split()
            if name not in macros:
                sys.exit("@%s: no such word in macros.txt" % name)
            body = [re.sub(r"\$([0-9])", lambda m: words[int(m.group(1)) - 1] if 0 < int(m.group(1)) <= len(words)
                           else " ".join(words), x) for x in macros[name]]
            out += expand(body, macros, state, depth + 1)
            continue
        if line.startswith("connect"):
            state["n"] += 1
        out.append(line.replace("$n", str(state["n"])))
    return out


def cases_read(path, kinds):
    kind, cases = os.path.basename(path)[:-len(".scenario")], []
    if kind not in kinds:
        sys.exit("%s: there is no such kind" % path)
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        m = re.fullmatch(r"=== (yes|no): (.+)", line)
        if m:
            cases.append(Case(kind, m.group(1) == "yes", "%s/%s: %s" % (kind, m.group(1), m.group(2))))
        elif line.startswith("==="):
            sys.exit("%s: `%s' is not understood" % (path, line))
        elif cases and line.startswith("say "):
            cases[-1].expect(line.split()[1:])
        elif cases and line.startswith("says "):
            cases[-1].says.append((not line.startswith("says not "), re.sub("^says (not )?", "", line)))
        elif cases and line.startswith("frames "):
            cases[-1].frames.append([int(w) for w in line.split()[1:]])
        elif cases and line.startswith("severity "):
            cases[-1].severity = line.split()[1]
        elif cases and line == "decided":
            cases[-1].decided = True
        elif cases and line.startswith("spans "):
            cases[-1].spans.append(tuple(int(w) for w in line.split()[1:]))
        elif cases and line.startswith("fates "):
            cases[-1].fates = line[len("fates "):]
        elif cases and line.startswith("edit "):
            cases[-1].places[-1][1].append(line.split()[1:])
        elif cases and line.startswith("also "):
            cases[-1].places.append((line[5:], []))
        elif cases:
            cases[-1].lines.append(line)
        elif line and not line.startswith("#"):
            sys.exit("%s: a line before the first case" % path)
    return cases


def cases_of_rows():
    cases = []
    for row in rows.rows_read(os.path.join(TOP, "analyzer/correlator/words/replies.tsv")):
        for kind, subkind, name, lines, also, stage in rows.dialogues(row):
            case = Case(kind or "consequence", kind is not None, name)
            if kind is not None and subkind:
                case.expect(["%s(%s)" % (kind, subkind)])
            case.expect(also)
            case.lines = lines
            case.reply = (row.example, None if row.codes == "-ERR" else rows.WHERE.get(stage)) if kind is not None else None
            cases.append(case)
    return cases


# ---- running them ------------------------------------------------------------------------

def text_of(case, macros):
    lines = expand(case.lines, macros)
    if not any(x.split()[:1] == ["capture"] for x in lines):
        lines = expand(["@net"], macros) + lines
    return "\n".join(lines) + "\n"


def captured(case, text, edits, build, name):
    """The text played, the capture written and edited; its path or None."""
    with open(name + ".scenario", "w", encoding="utf-8") as f:
        f.write(text)
    p = ready.run([os.path.join(build, "tests/scenario/scenario"), name + ".scenario", name + ".pcap"], timeout=60)
    if p.returncode != 0:
        case.errors.append("no capture: %s" % p.stderr.decode("utf-8", "replace").strip())
        return None
    try:
        edit.apply(name + ".pcap", edits)
    except ValueError as e:
        case.errors.append("edit: %s" % e)
    return name + ".pcap"


def analyse(case, text, build, tmp, number):
    captures = [captured(case, re.sub(r"(?m)^capture\b.*$", "capture " + place, text) if place else text, edits, build,
                         os.path.join(tmp, "%d.%d" % (number, n))) for n, (place, edits) in enumerate(case.places)]
    if None in captures:
        return []
    p = ready.run([os.path.join(build, "mailwhy"), "--json", *captures], timeout=60, leaks=case.reply is None)  # the rows go one way
    for capture in captures:
        os.unlink(capture)
    if p.returncode != 0:
        case.errors.append("mailwhy: exit status %d: %s" % (p.returncode, p.stderr.decode("utf-8", "replace")[:200]))
        return []
    lines = [json.loads(x) for x in p.stdout.splitlines()]
    case.errors += ["it says: %s" % w for x in lines for w in words.wrong(x)]
    fates = " / ".join(x["fate"] for x in lines if "fate" in x)
    if case.fates not in (None, fates):
        case.errors.append("fates: %s" % fates)
    findings = [x for x in lines if x["type"] == "finding"]
    if case.decided:
        case.errors += ["it cannot tell: %s" % x["summary"] for x in findings
                        if x["kind"] == case.kind and x["confidence"] == "cannot-tell"]
    return [x for x in findings if x["confidence"] != "cannot-tell"]


def fits(finding, want):
    kind, subkind, comparison, level = want
    have, need = LEVELS.index(finding["confidence"]), LEVELS.index(level)
    return (finding["kind"] == kind and (subkind is None or finding["subkind"] == subkind) and
            (have == need if comparison == "=" else have >= need))


def quotes(finding, case):
    words, where = case.reply
    return (finding["kind"] == case.kind and re.sub(r"^(\d+|-ERR) (\[.*?\] )?", "", words) in finding["reply"]["text"] and
            words[:150] in finding["summary"] and
            (where is None or where in finding["summary"]))


def judge(case, findings, kinds):
    case.said = sorted({x["kind"] for x in findings})
    for want in case.say:
        if want[0] not in kinds:
            case.errors.append("there is no kind %s" % want[0])
        elif not any(fits(x, want) for x in findings):
            case.errors.append("missed: %s%s %s %s; said: %s" % (want[0], "(%s)" % want[1] if want[1] else "", want[2], want[3],
                ", ".join("%s(%s) %s" % (x["kind"], x["subkind"], x["confidence"]) for x in findings) or "nothing"))
    if case.reply is not None and not any(quotes(x, case) for x in findings):
        case.errors.append("no finding %s quotes the reply %s: %s" % (case.kind, case.reply[1] or "", [x["summary"] for x in findings]))
    text = " ".join(words.said_of(x) for x in findings if x["kind"] == case.kind)
    case.errors += ["%s: %s: %s" % ("not said" if said else "said", w, text) for said, w in case.says if (w in text) != said]
    proofs = [e["frames"] for x in findings if x["kind"] == case.kind for e in x["evidence"]]
    case.errors += ["no sentence is proved by frames %s alone: %s" % (f, proofs) for f in case.frames if f not in proofs]
    severities = [x["severity"] for x in findings if x["kind"] == case.kind]
    if case.severity is not None and case.severity not in severities:
        case.errors.append("none is of severity %s: %s" % (case.severity, severities))
    spans = [(x["first"]["frame"], x["last"]["frame"]) for x in findings if x["kind"] == case.kind]
    case.errors += ["none spans frames %d to %d: %s" % (*s, spans) for s in case.spans if s not in spans]
    wanted = {x[0] for x in case.say}
    for x in findings:
        if x["kind"] in wanted or not (kinds[x["kind"]] or x["kind"] == case.kind):
            continue
        case.false.append(x["kind"])
        case.errors.append("falsely said: %s(%s) %s: %s" % (x["kind"], x["subkind"], x["confidence"], x["summary"]))


def run(case, args, kinds, macros, tmp, number):
    text = text_of(case, macros)
    findings = analyse(case, text, args.build, tmp, number)
    if not case.errors:
        judge(case, findings, kinds)
    if args.show:
        print("%s\n%s" % (case.name, text))
        for x in findings:
            print("-> %s(%s) %s: %s" % (x["kind"], x["subkind"], x["confidence"], x["summary"]))
    return case


# ---- the matrix ------------------------------------------------------------------------------

def matrix_count(cases):
    count = collections.defaultdict(collections.Counter)
    for c in cases:
        count[c.kind]["yes" if c.wanted else "no"] += 1
        if c.wanted:
            count[c.kind]["found" if c.kind in c.said else "missed"] += 1
        for k in c.false:
            count[k]["false"] += 1
    return count


def matrix_print(made, shipped, kinds):
    """made: from text, shipped: captures with labels; in both `false' is anywhere, not only in the kind's own cases."""
    columns = ("yes", "no", "found", "missed", "false")
    print("%-28s  %s   %s" % ("", "from text".center(33), "captures with labels".center(33)))
    print("%-28s  %s" % ("kind", "   ".join([" ".join("%6s" % c for c in columns)] * 2)))
    total = [collections.Counter(), collections.Counter()]
    for k in [*kinds, "consequence"]:
        if k not in made and not any(shipped[(k, c)] for c in columns):
            continue
        n = [[made[k][c] for c in columns], [shipped[(k, c)] for c in columns]]
        for t, row in zip(total, n):
            t.update(dict(zip(columns, row)))
        print("%-28s  %s" % (k, "   ".join(" ".join("%6d" % x for x in row) for row in n)))
    print("%-28s  %s" % ("all", "   ".join(" ".join("%6d" % t[c] for c in columns) for t in total)))


def documented(build):
    """docs/findings.md is what the tables say, and they say something of every kind."""
    p = subprocess.run([os.path.join(build, "mailwhy"), "--print-findings"], capture_output=True, timeout=60)
    text = p.stdout.decode("utf-8")
    bad = [] if text == open(os.path.join(TOP, "docs/findings.md"), encoding="utf-8").read() else ["docs/findings.md is stale: ./dev schema"]
    return bad + ["docs/findings.md: nothing on the wire for %s" % k for k in re.findall(r"## (\S+)\n\n.*\n\n- On the wire: -\n", text)]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("words", nargs="*")
    p.add_argument("--show", action="store_true")
    p.add_argument("--made", action="store_true", help="without the shipped captures: truth.py runs those, too")
    args = p.parse_intermixed_args()
    kinds, macros = kinds_read(), macros_read()
    cases = [c for path in sorted(glob.glob(os.path.join(HERE, "*.scenario"))) for c in cases_read(path, kinds)]
    cases += cases_of_rows()
    if args.words:
        cases = [c for c in cases if any(w in c.name for w in args.words)]
    with tempfile.TemporaryDirectory() as tmp, concurrent.futures.ThreadPoolExecutor(1 if args.show else 2) as pool:
        jobs = [pool.submit(run, c, args, kinds, macros, tmp, n) for n, c in enumerate(cases)]
        files = [] if args.words or args.made else [pool.submit(f) for f in labelled.jobs(TOP, args.build, LEVELS, kinds)]
        for j in jobs:
            j.result()
        results = [f.result() for f in files]
    failed = 0
    for c in cases:
        failed += bool(c.errors)
        for e in c.errors:
            print("FAIL %s\n     %s" % (c.name, e))
    errors = [e for _, errors in results for e in errors]
    for e in errors + ([] if args.words else documented(args.build)):
        print("FAIL " + e)
        failed += 1
    count, shipped = matrix_count(cases), sum((c for c, _ in results), collections.Counter())
    matrix_print(count, shipped, kinds)
    for k in kinds:
        if not args.words and (count[k]["yes"] < 1 or count[k]["no"] < 2):
            print("FAIL %s: %d cases that must show it (1 is due), %d that must not (2 are due)" % (k, count[k]["yes"], count[k]["no"]))
            failed += 1
    passed = len(cases) - sum(bool(c.errors) for c in cases) + len(results) - sum(bool(e) for _, e in results)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
