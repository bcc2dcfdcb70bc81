"""labelled.py - what the shipped captures say of each kind: captures/lab and captures/public through their labels.

A capture must show a kind where its label says that the truth is decidable (`yes'); it must not show those of
`must_not_find', nor, above possible, what is not decidable there (`no').  tests/truth/truth.py checks more of each.
"""
import collections
import glob
import json
import os

import ready

ABOVE_POSSIBLE = 2
PATH = ("pmtu-", "port-blocked", "path-outage", "high-loss", "zero-window", "inline-content", "idle-state", "host-unreachable", "middlebox",
        "icmp-frag-needed-ignored", "fragments-dropped", "service-down", "banner-masked")


def said(build, path, levels):
    p = ready.run([os.path.join(build, "mailwhy"), "--json", path])
    best = {}
    for line in p.stdout.splitlines():
        if b'"type":"finding"' in line:
            f = json.loads(line)
            best[f["kind"]] = max(best.get(f["kind"], 0), levels.index(f["confidence"]))
    return best


def positive(count, errors, name, accepted, best):
    hit = next((k for k in accepted if best.get(k, 0) >= 1), None)
    count[(hit or accepted[0], "yes")] += 1
    count[(hit or accepted[0], "found" if hit else "missed")] += 1
    if hit is None:
        errors.append("%s: missed %s" % (name, " or ".join(accepted)))


def negative(count, errors, name, kind, level, best):
    count[(kind, "no")] += 1
    if best.get(kind, 0) >= level:
        count[(kind, "false")] += 1
        errors.append("%s: falsely said %s" % (name, kind))


def of_lab(top, build, levels, label, vantage):
    count, errors, name = collections.Counter(), [], "captures/lab/" + vantage["file"]
    best = said(build, os.path.join(top, name), levels)
    accepted = {}
    for f in label["truth"]["findings"]:
        accepted.setdefault(f["label"], []).extend(k for k in f["accepted_kinds"] if k not in accepted.get(f["label"], []))
    here = {k for n, kinds in accepted.items() if vantage["decidable"].get(n, {}).get("decidable") != "no" for k in kinds}
    for n, d in vantage["decidable"].items():
        if d["decidable"] == "yes" and accepted.get(n):
            positive(count, errors, name, accepted[n], best)
        for k in accepted.get(n, ()) if d["decidable"] == "no" else ():
            if k not in here:
                negative(count, errors, name, k, ABOVE_POSSIBLE, best)
    for k in label["truth"]["must_not_find"]:
        negative(count, errors, name, k, 1, best)
    return count, errors


def of_public(top, build, levels, name, kinds):
    """Nothing is wrong with the path in any of them."""
    count, errors = collections.Counter(), []
    best = said(build, os.path.join(top, name), levels)
    for k in kinds:
        if k.startswith(PATH):
            negative(count, errors, name, k, 1, best)
    return count, errors


def jobs(top, build, levels, kinds):
    """Functions to be run, each gives (counts by (kind, column), errors)."""
    for path in sorted(glob.glob(os.path.join(top, "captures/lab/*.json"))):
        with open(path, encoding="utf-8") as f:
            label = json.load(f)
        for _, vantage in sorted(label["vantages"].items()):
            yield lambda label=label, vantage=vantage: of_lab(top, build, levels, label, vantage)
    for path in sorted(glob.glob(os.path.join(top, "captures/public/*.json"))):
        with open(path, encoding="utf-8") as f:
            name = "captures/public/" + json.load(f)["file"]
        yield lambda name=name: of_public(top, build, levels, name, kinds)
