"""words.py - what a finding says, and what no text may say: "1 times", "1 packets are"."""
import re

NOUNS = ("acknowledgements|allocations|answers|attachments|attempts|bytes|captures|commands|connections|copies|faults|findings|fragments|frames|handshakes|"
         "inputs|keywords|lines|losses|mails|messages|networks|packets|parts|probes|recipients|records|repetitions|replies|seconds|segments|servers|"
         "sessions|signs|stretches|times|trains|transmissions")
ONE_OF_MANY = re.compile(r"(?<![\w.,:/-])1 (?:[a-z]+ )?(?:%s)\b" % NOUNS)
QUOTED = re.compile(r'"[^"]*"|<[^>]*>')         # others' words


def said_of(f):
    return " ".join([f["summary"], f["remedy"], f["client_shows"], f.get("next_capture") or "", *(e["says"] for e in f["evidence"]),
                     *("%s: %s" % (x["kind"], x["why"]) for x in f["excluded"])])


def texts_of(x):
    if isinstance(x, str):
        yield x
    for y in x.values() if isinstance(x, dict) else x if isinstance(x, list) else ():
        yield from texts_of(y)


def wrong(line):
    """Of one line of --json, a finding or the summary: what it says wrongly."""
    if line.get("type") not in ("finding", "summary"):
        return []
    return [m.group(0) for t in texts_of(line) for m in ONE_OF_MANY.finditer(QUOTED.sub("", t))]
