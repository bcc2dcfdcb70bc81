#!/usr/bin/env python3
"""truth.py MAILWHY [CAPTURES] - every shipped capture against its label.

public/: the counts of the hand-made truths, exactly.
lab/:    what is decidable at each place is found, what must not be said is not.
both:    a second run, that writes the records, too, is byte-identical; the
         records, read back, give the same findings; every JSON line fits
         docs/records.schema.json.  --records: of these only the records.
Prints a table kind by kind (found, missed, falsely accused) and, last,
`N passed, M failed`.
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

LEVEL = {"cannot-tell": 0, "possible": 1, "probable": 2, "confirmed": 3}
RANKS = {"yes": 1, "no": 2}
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests/kinds"))
sys.path.insert(0, os.path.join(TOP, "tests/ready"))
import ready  # noqa: E402
import words  # noqa: E402


def accusing_kinds():
    """The ids that kinds.def marks as naming a fault of somebody."""
    text = open(os.path.join(TOP, "analyzer/correlator/finding/kinds.def"), encoding="utf-8").read()
    return {m.group(1) for m in re.finditer(r'KIND\(\w+, "([a-z0-9-]+)", \d+, \w+, true,', text)}


def run(binary, args, how=ready.run):
    p = how([binary, *args])
    return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")


def started(command):
    """With addresses of its own: what depends on them comes out."""
    return subprocess.run(command, capture_output=True, timeout=120)


def findings_only(out):
    return [l for l in out.splitlines() if b'"type":"finding"' in l]


class Result:
    def __init__(self, name):
        self.name, self.errors, self.table = name, [], collections.Counter()

    def fail(self, text):
        self.errors.append(text)


def analyse(binary, path, validator, result, ok_codes=(0,)):
    """Lines of --json, with the checks that hold for every capture."""
    rc, out, err = run(binary, ["--json", path])
    if rc not in ok_codes:
        result.fail("exit status %d: %s" % (rc, err.strip()[:200]))
        return []
    if b"\x1b" in out:
        result.fail("escape byte in the output")
    with tempfile.TemporaryDirectory() as tmp:
        records = os.path.join(tmp, "r.jsonl")
        _, out2, _ = run(binary, ["--records", records, "--json", path], started if validator is not None else ready.run)
        if out2 != out:
            result.fail("a second run differs")
        _, again, err3 = run(binary, ["--json", records])
        if findings_only(again) != findings_only(out):
            a, b = set(findings_only(out)), set(findings_only(again))
            result.fail("records read back give other findings: only direct %s, only records %s %s"
                        % ([json.loads(x)["kind"] for x in a - b], [json.loads(x)["kind"] for x in b - a], err3[:100]))
    lines = []
    for n, line in enumerate(out.splitlines(), 1):
        try:
            lines.append(json.loads(line))
        except ValueError as e:
            result.fail("line %d is not JSON: %s" % (n, e))
            continue
        for w in words.wrong(lines[-1]):
            result.fail("line %d says: %s" % (n, w))
        if validator is not None:
            for e in list(validator.iter_errors(lines[-1]))[:2]:
                result.fail("line %d (%s): schema: %s" % (n, lines[-1].get("type"), e.message[:160]))
    if not lines or lines[-1].get("type") != "summary":
        result.fail("the last line is not the summary")
    return lines


def said(lines):
    """kind -> highest confidence said."""
    best = {}
    for l in lines:
        if l.get("type") == "finding":
            best[l["kind"]] = max(best.get(l["kind"], -1), LEVEL[l["confidence"]])
    return best


def check_public(binary, label_path, validator):
    label = json.load(open(label_path, encoding="utf-8"))
    result = Result("public/" + label["file"])
    lines = analyse(binary, os.path.join(os.path.dirname(label_path), label["file"]), validator, result)
    if not lines:
        return result
    s = lines[-1]
    m = s["smtp"]["messages"]

    def want(what, got, expected):
        if got != expected:
            result.fail("%s: got %s, want %s" % (what, got, expected))
    want("smtp sessions", s["smtp"]["sessions"], label["smtp_sessions"])
    want("attempted", m["attempted"], label["messages_attempted"])
    want("accepted", m["accepted"], label["messages_delivered"])
    want("refused + deferred", m["refused"] + m["deferred"], label["messages_rejected"])
    want("unknown", m["unknown"], label["messages_unknown"])
    want("abandoned", m["abandoned"], label["messages_abandoned"])
    want("lost", m["lost"], label.get("messages_lost_with_connection", 0))
    want("recipients accepted", s["smtp"]["recipients"]["accepted"], label["rcpt_accepted"])
    want("recipients refused + deferred",
         s["smtp"]["recipients"]["refused"] + s["smtp"]["recipients"]["deferred"], len(label["rcpt_rejected"]))
    want("pop3 sessions", s["pop3"]["sessions"], label["pop3_sessions"])
    want("pop3 retrieved", s["pop3"]["messages"]["retrieved"], label["pop3_messages_retrieved"])
    want("imap sessions", s["imap"]["sessions"], label["imap_sessions"])
    want("frag-needed", s["icmp"]["frag_needed"], len(label["icmp_frag_needed"]))
    for r in label["rcpt_rejected"]:
        if not any(l["type"] == "recipient" and l.get("reply", {}).get("code") == int(r["code"])
                   and l["reply"].get("frame", r["frame"]) == r["frame"] for l in lines):
            result.fail("no recipient refused with %s in frame %d" % (r["code"], r["frame"]))
    kinds = said(lines)
    bad = {k for k, v in kinds.items() if v >= 1 and (k.startswith(("pmtu-", "port-blocked", "path-outage", "high-loss",
           "zero-window", "inline-content", "idle-state", "host-unreachable", "middlebox"))
           or k in ("icmp-frag-needed-ignored", "fragments-dropped", "service-down", "banner-masked"))}
    if bad:
        result.fail("accuses the path where nothing is wrong with it: %s" % sorted(bad))
    return result


def check_lab(binary, label_path, vantage, v, label, validator, accusing):
    path = os.path.join(os.path.dirname(label_path), v["file"])
    result = Result("lab/" + v["file"])
    empty = os.path.getsize(path) <= 24
    cut = "file_cut_short" in v["decidable"]
    lines = analyse(binary, path, validator, result, (0,))
    if not lines:
        return result
    kinds = said(lines)
    accepted = {}
    for f in label["truth"]["findings"]:
        accepted.setdefault(f["label"], set()).update(f["accepted_kinds"])
    for name, d in v["decidable"].items():
        want = accepted.get(name, set())
        if name == "file_cut_short":
            if not lines[-1]["incomplete"]:
                result.fail("the cut file is not said to be incomplete")
            continue
        if name == "clock_step" and kinds.get("capture-clock", -1) < 1:
            result.fail("the clock step is not said")
        if not want:
            continue
        best = max((kinds.get(k, -1) for k in want), default=-1)
        first = sorted(want)[0]
        if d["decidable"] == "yes":
            result.table[(first, "found" if best >= 1 else "missed")] += 1
            if best < 1:
                result.fail("missed %s (any of %s)" % (name, sorted(want)))
        elif d["decidable"] == "no" and best > 1:
            others = set().union(*[a for n, a in accepted.items()
                                   if n != name and v["decidable"].get(n, {}).get("decidable") != "no"] or [set()])
            wrong = {k for k in want - others if kinds.get(k, -1) > 1}
            if wrong:
                result.table[(first, "false")] += 1
                result.fail("said above possible what cannot be known here: %s" % sorted(wrong))
    for k in label["truth"]["must_not_find"]:
        if kinds.get(k, -1) >= 1:
            result.table[(k, "false")] += 1
            result.fail("falsely said: %s" % k)
    if label["scenario"].startswith("clean_"):
        allowed = set().union(*accepted.values()) if accepted else set()
        for k, c in kinds.items():
            if k in accusing and k not in allowed and c >= 1:
                result.table[(k, "false")] += 1
                result.fail("accuses on a clean capture: %s" % k)
    ok = v["decidable"].get("ok", {}).get("decidable")
    tls = any(f.get("tls") for f in label["truth"]["findings"])
    n = sum(f.get("delivered", 0) for f in label["truth"]["findings"] if f["label"] == "ok")
    if ok == "yes" and n and not tls and not empty and not cut:
        got = lines[-1]["smtp"]["messages"]["accepted"]
        if got < 1 or got > n:
            result.fail("accepted mails: got %d, delivered were %d" % (got, n))
    return result


def schema_validator():
    try:
        import jsonschema
    except ImportError:
        sys.exit("FAIL: python3-jsonschema is not installed: the schema cannot be checked")
    with open(os.path.join(TOP, "docs/records.schema.json"), encoding="utf-8") as f:
        return jsonschema.Draft7Validator(json.load(f))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("binary")
    ap.add_argument("captures", nargs="?", default=os.path.join(TOP, "captures"))
    ap.add_argument("-k", default="", help="only captures whose name contains this")
    ap.add_argument("--records", action="store_true", help="of what holds for every capture only that records give the same findings")
    ap.add_argument("-q", action="store_true", help="only failures")
    a = ap.parse_args()
    validator = None if a.records else schema_validator()
    accusing = accusing_kinds()
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path in sorted(glob.glob(os.path.join(a.captures, "public/*.json"))):
            if a.k in path:
                jobs.append(pool.submit(check_public, a.binary, path, validator))
        for path in sorted(glob.glob(os.path.join(a.captures, "lab/*.json"))):
            label = json.load(open(path, encoding="utf-8"))
            for vantage, v in sorted(label["vantages"].items()):
                if a.k in v["file"] or a.k in path:
                    jobs.append(pool.submit(check_lab, a.binary, path, vantage, v, label, validator, accusing))
    results = [j.result() for j in jobs]
    table = collections.Counter()
    for r in results:
        table.update(r.table)
        for e in r.errors:
            print("FAIL %s: %s" % (r.name, e))
    if not a.q:
        print("%-32s %6s %6s %6s" % ("lab kind", "found", "missed", "false"))
        for k in sorted({k for k, _ in table}):
            print("%-32s %6d %6d %6d" % (k, table[(k, "found")], table[(k, "missed")], table[(k, "false")]))
    failed = sum(1 for r in results if r.errors)
    print("%d passed, %d failed" % (len(results) - failed, failed))
    return failed != 0 or not results


if __name__ == "__main__":
    sys.exit(main())
