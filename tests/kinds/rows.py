"""rows.py - a dialogue for every row of replies.tsv, at every stage it is expected at."""
import collections

Row = collections.namedtuple("Row", "number codes when pattern stages kind subkind hint example")

HELLO = {
    "plain": "@smtp",               # no login offered
    "login": "@submission",         # AUTH offered
}

# What precedes the reply, and what follows it, by stage letter.
SMTP = {
    "C": ([], ["S fin", "C fin"]),
    "E": (["C: EHLO pc.example.net"], ["S fin", "C fin"]),
    "S": (["C: STARTTLS"], ["@quit"]),
    "A": (["C: AUTH PLAIN AGpvZQBzZWNyZXQ="], ["@quit"]),
    "M": (["C: MAIL FROM:<joe@example.net>"], ["@quit"]),
    "R": (["@from", "C: RCPT TO:<ann@example.org>"], ["@quit"]),
    "D": (["@from", "@to", "@data"], ["@quit"]),
}
POP = {
    "P": (["@pop", "C: PASS secret"], ["@popquit"]),
    "U": (["connect pop client:40110 mail:110", "S: +OK POP3 ready", "C: USER joe"], ["@popquit"]),
    "T": (["@pop", "@pass", "C: RETR 2"], ["@popquit"]),
}


def rows_read(path):
    rows = []
    for line in open(path, encoding="utf-8"):
        col = line.rstrip("\r\n").split("\t")
        if line.startswith("#") or len(col) != 9:
            continue
        kind, _, subkind = col[5].rstrip("?").partition("(")
        rows.append(Row(col[0], col[1], col[2], col[3], col[4], kind, subkind.rstrip(")?"), "?" in col[5], col[8]))
    return rows


def opening(row, stage):
    """Connection, greeting and hello as the row's meaning needs them."""
    if stage in "CE":
        greeting = ["connect smtp client:40101 mail:25"]
        if stage == "C" and row.subkind == "early-talker":
            return greeting + ["C: EHLO pc.example.net", "+1s"]
        return greeting if stage == "C" else greeting + ["S: 220 mail.example.org ESMTP"]
    if row.kind == "sender-mismatch":
        return ["@submission", "@login"]
    if stage == "A" and row.kind != "auth-not-offered":
        return ["@submission"]
    if row.kind == "auth-required-not-attempted":
        return ["@submission"]
    if stage == "S":
        return ["connect smtp client:40101 mail:25", "S: 220 mail.example.org ESMTP", "C: EHLO pc.example.net",
                "S: 250-mail.example.org", "S: 250 STARTTLS"]
    return ["@smtp"]


def meaning(row):
    """What must be said: None where another refusal explains it already."""
    if row.kind == "consequence":
        return None
    if row.kind == "pop-before-smtp-required" and row.hint:
        return "relay-denied-wrong-network"     # it takes a POP3 server to say more
    return row.kind


def timeout(row):
    """What a server says that waits in vain, unasked."""
    return row.kind == "server-timeout-421" and row.pattern == "timeout"


def smtp_dialogue(row, stage):
    if timeout(row):
        return ["@smtp", "@from", "+300s", "S: " + row.example, "S fin", "C fin"]
    before, after = SMTP[stage]
    code = row.example.split(" ")[0]
    if code in ("421", "521") and stage != "C":
        after = ["S fin", "C fin"]
    if row.kind == "consequence":       # what it follows from: every recipient was refused
        return ["@smtp", "@from", "C: RCPT TO:<ann@example.org>", "S: 550 5.1.1 no such user", "C: DATA", "S: " + row.example, "@quit"]
    return opening(row, stage) + before + ["S: " + row.example] + after


def pop_dialogue(row, stage):
    if timeout(row):
        return ["@pop", "+600s", "S: " + row.example, "S fin", "C fin"]
    before, after = POP[stage]
    return before + ["S: " + row.example] + after


# The words with which the summary of a finding names the stage.
WHERE = {"M": "to the sender.", "R": "to a recipient.", "D": "to the message.", "A": "to the login.", "C": "at its greeting"}


def dialogues(row):
    """(kind or None, subkind, name, scenario lines, other findings, stage) for each stage."""
    pop = row.codes == "-ERR"
    stages = row.stages.replace("*", "P" if pop else "R")
    for stage in stages:
        lines = pop_dialogue(row, stage) if pop else smtp_dialogue(row, stage)
        also = ["recipient-unknown"] if row.kind == "consequence" else []
        yield meaning(row), row.subkind, "replies.tsv %s %s: %s" % (row.number, stage, row.example), lines, also, "" if timeout(row) else stage
