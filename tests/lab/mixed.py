"""mixed.py - scenarios drawn by lot: several clients at once, each with a fate of its own, in one capture.

Each client has an address of its own, so what is said of it can be told from what is said of the others: every fault must be found
with its client, and none with another.  Beside them names are asked, and files come down.  The captures are judged one by one and
together.  The same number gives the same scenario; the packets are the kernel's.
"""
import json
import os
import random
import subprocess
import threading

from mail import client, dovecot, postfix, server
from net import HERE, PLACES, Trouble
from scenarios import BLACK_HOLE, DOWNLOAD, GAVE_UP, RECOVERED, Scenario

SERVER = {4: "198.51.100.%d", 6: "2001:db8:3::%d"}
CLIENT = {4: "192.0.2.%d", 6: "2001:db8:1::%d"}
USUAL = 25                                      # where Postfix and Dovecot are
EVERYWHERE = " ".join(PLACES)
NEAR, FAR = "client lan wan mid", "srvside server"  # seen from the router that has the fault, the provider's
TOGETHER = (("client", "server"), ("wan", "mid"), ("client", "mid", "server"))
PATIENCE = 14
ODD = (31, 32, 33, 34, 35)

# a fault: what it needs on the way ({a} client's address, {v} ip or ip6), what the client does, and what is true then
FAULTS = {
    # what MTU probing heals is still found
    "hole up": dict(rule="forward: {v} saddr {a} tcp dport != 53 meta length > 1300 drop", steps=["send=60000", "send=60000"], ends=[None, None],
                    want={"%s|%s" % (BLACK_HOLE, RECOVERED): NEAR}, may="mss-not-clamped %s %s" % (RECOVERED, GAVE_UP)),
    "hole down": dict(rule="forward: {v} daddr {a} meta length > 1300 drop", steps=["pop,fetch"], ends=[None], want={"%s|%s" % (BLACK_HOLE, RECOVERED): FAR},
                      may="mss-not-clamped %s" % DOWNLOAD),
    "dropped": dict(rule="forward: {v} saddr {a} tcp dport 25 drop", steps=["send=500", "send=500,port=587"], ends=[False, True],
                    want={"port-blocked-silent": NEAR}),
    "reset": dict(rule="forward: {v} saddr {a} tcp dport 25 reject with tcp reset", steps=["send=500", "send=500,port=587"], ends=[False, True],
                  want={"port-blocked-reset": NEAR}),
    "relay": dict(steps=["send=500,to=carol@example.com"], ends=[False], want={"relay-denied-wrong-network": EVERYWHERE}),
    "claims too much": dict(steps=["send=500,claim=99000000"], ends=[False], want={"message-too-big": EVERYWHERE}),
    "wrong password": dict(steps=["pop,pass=wrong"], ends=[False], want={"pop-auth-failed": EVERYWHERE}),
    "closed": dict(steps=["send=500", "send=500,port=26"], ends=[True, False], want={"service-down": EVERYWHERE}),
    "hung": dict(host=31, steps=["send=500"], ends=[False], want={"connected-no-banner": EVERYWHERE}, may=GAVE_UP),
    "crash": dict(host=32, steps=["send=500", "send=500"], ends=[False, False], want={"peer-reset|server-dropped": "client server"},
                  may="peer-reset server-dropped"),
    "mute": dict(host=33, steps=["send=500"], ends=[False], want={"client-gave-up-waiting": EVERYWHERE}),
    "stray": dict(host=34, steps=["send=90000"], ends=[False], want={"server-dropped|peer-reset": "client"}, may="peer-reset server-dropped"),
    "slow": dict(host=35, steps=["send=500"], ends=[True], want={"slow-banner": EVERYWHERE}),
    "loss": dict(rule="forward: {v} saddr {a} numgen random mod 100 < 8 drop", steps=["send=100000"], ends=[None],
                 may="high-loss size-dependent-loss path-outage slow-banner slow-reply " + GAVE_UP),
    "outage": dict(rule="forward: {v} saddr {a} drop", since=1.5, lasts=(3, 60), steps=["send=300000,slow", "sleep=1", "send=2000"], ends=[None, None],
                   may="path-outage high-loss idle-state-expired slow-banner slow-reply connected-no-banner host-unreachable-silent "
                   "port-blocked-silent duplicate-delivery " + GAVE_UP, hint=BLACK_HOLE),
    "hole that begins": dict(rule="forward: {v} saddr {a} meta length > 1300 drop", since=2.5, steps=["send=60000", "sleep=4", "send=60000"],
                             ends=[True, None], may="path-outage mss-not-clamped %s %s %s" % (BLACK_HOLE, RECOVERED, GAVE_UP)),
    "hole that ends": dict(rule="forward: {v} saddr {a} meta length > 1300 drop", since=0, lasts=(16,), steps=["send=60000", "sleep=4", "send=60000"],
                           ends=[None, True], may="path-outage mss-not-clamped %s %s %s" % (BLACK_HOLE, RECOVERED, GAVE_UP)),
}
SOUND = (["send=300"], ["send=300000"], ["send=2000000"], ["send=60000,port=587,tls"], ["send=60000,port=465,ssl"], ["pop,fetch"],
         ["pop,fetch,ssl,port=995"], ["send=100000,chunk=30000"], ["send=5000,pipe"], ["send=20000,pause=1.5"],
         ["send=300", "send=300", "send=300"], ["pop", "sleep=2", "pop,fetch"], ["send=300,idle=12"])


class Actor:
    """One client."""

    def __init__(self, r, number, kind):
        self.kind, self.version = kind, r.choice((4, 4, 6))
        self.address = CLIENT[self.version] % (10 + number)
        fate = dict(FAULTS.get(kind, {}), **({} if kind else {"steps": r.choice(SOUND)}))
        self.host = SERVER[self.version] % fate.get("host", USUAL)
        self.steps, self.since = fate["steps"], fate.get("since")
        self.ends = fate.get("ends", [True] * sum(not s.startswith("sleep") for s in self.steps))
        self.lasts = r.choice(fate.get("lasts", (None,)))
        self.rule = fate["rule"].format(a=self.address, v="ip" if self.version == 4 else "ip6") if "rule" in fate else None
        self.want = {k: v.split() for k, v in fate.get("want", {}).items()}
        self.fine = set(fate.get("may", "").split()) | {k for w in self.want for k in w.split("|")}
        self.hint = set(fate.get("hint", "").split())
        self.delay = r.uniform(0, 3)

    def play(self, lab, outcome):
        if self.rule and self.since is not None:
            threading.Thread(target=self.pass_by, args=(lab.net,), daemon=True).start()
        steps = (["sleep=%.1f" % self.delay] if self.since is None else []) + self.steps
        try:
            outcome[self.address] = client(lab.net, *steps, timeout=PATIENCE, host=self.host, source=self.address)
        except Exception as e:                          # shown as what the client came to
            outcome[self.address] = [{"ok": None, "said": str(e)}]

    def pass_by(self, net):
        """The fault begins when it should, and ends."""
        over = threading.Event()
        over.wait(self.since)
        table = net.nft("isp", (self.rule,))
        if self.lasts:
            over.wait(self.lasts)
            try:
                net.sh("isp", "nft", "delete", "table", "inet", table)
            except Trouble:         # all clients were done sooner, and the network is gone
                pass


class Mix:
    def __init__(self, number):
        r = self.chance = random.Random("mixed %d" % number)
        faults = r.sample(sorted(FAULTS), r.choice((0, 1, 2, 2, 3)))
        kinds = faults + [None] * r.choice((1, 2, 3))
        r.shuffle(kinds)
        self.actors = [Actor(r, n + 1, k) for n, k in enumerate(kinds)]
        self.background = r.random() < .6
        self.control = r.choice(("cubic", "cubic", "reno", "bbr"))
        self.settings = [s for s, p in (("timestamps=0", .25), ("sack=0", .15), ("window_scaling=0", .15), ("mtu_probing=1", .15), ("ecn=1", .1),
                                        ("rmem=4096 16384 32768", .2)) if r.random() < p]
        self.offload = r.random() < .3
        self.wire = "--delay %d --jitter %d --seed %d" % (r.choice((2, 10, 40)), r.choice((0, 0, 2)), number)

    def title(self):
        return "%s; %s%s%s, wire %s" % ("; ".join("%s %s" % (a.address, a.kind or a.steps) for a in self.actors), self.control,
                                        "".join(", " + s for s in self.settings), ", offload" * self.offload + ", busy" * self.background, self.wire)

    def play(self, lab):
        net = lab.net
        for who in ("cl", "sv"):
            net.control(who, self.control)
            net.sysctl(who, *("net.ipv4.tcp_" + s for s in self.settings))
            if self.offload:
                net.offload(who, "eth0")
        for a in self.actors:
            net.address("cl", a.address)
        postfix(net, tls=True, more="inet_interfaces = %s, [%s]" % (SERVER[4] % USUAL, SERVER[6] % USUAL))
        dovecot(net, (3000, 60000, 200), tls=True)
        for mode, last in zip(("hung", "crash", "mute", "stray", "slow"), ODD):
            for version in (4, 6):
                if any(a.host == SERVER[version] % last for a in self.actors):
                    net.address("sv", SERVER[version] % last)
                    server(net, mode, 25, SERVER[version] % last)
        for a in self.actors:
            if a.rule and a.since is None:
                net.nft("isp", (a.rule,))
        self.run(lab)

    def run(self, lab):
        net, outcome, busy = lab.net, {}, []
        if self.background:
            net.start("sv", ["/usr/bin/python3", "-u", os.path.join(HERE, "busy.py"), "server", SERVER[4] % USUAL], "ready")
        lab.watch()
        if self.background:
            busy.append(net.start("cl", ["/usr/bin/python3", "-u", os.path.join(HERE, "busy.py"), "client", SERVER[4] % USUAL], "ready"))
        threads = [threading.Thread(target=a.play, args=(lab, outcome)) for a in self.actors]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for p in busy:
            p.terminate()
        lab.outcome += [o for a in self.actors for o in outcome[a.address]]

    # --- what was said, and of whom ------------------------------------------------------------

    def whom(self, finding, ends):
        """The clients it names, or whose connections it counts as its own."""
        names = {a.address for a in self.actors}
        said = {(finding.get(k) or {}).get("ip") for k in ("from", "to")} & names
        return said or {ends.get(s) for s in finding.get("sessions", ())} & names

    def judge(self, result, where, places, findings, ends, accusing, level):
        said = [(f["kind"], level[f["confidence"]], self.whom(f, ends)) for f in findings]
        for a in self.actors:
            for wanted, near in a.want.items():
                if not set(near) & set(places):
                    continue
                hit = any(k in wanted.split("|") and l >= 1 and a.address in w for k, l, w in said)
                result.table[(wanted.split("|")[0], "found" if hit else "missed")] += 1
                if not hit:
                    result.errors.append("%s: missed %s of %s" % (where, wanted, a.address))
            for k, l, w in said:
                if k in accusing and a.address in w and ((l >= 1 and k not in a.fine | a.hint) or (l > 1 and k in a.hint - a.fine)):
                    result.table[(k, "false")] += 1
                    result.errors.append("%s: falsely said %s of %s (%s)" % (where, k, a.address, a.kind or "sound"))
        for k, l, w in said:
            if k in accusing and l >= 1 and not w:
                result.errors.append("%s: said %s of nobody here" % (where, k))


def connections(binary, paths, scratch):
    """Which connection is whose, from the records."""
    subprocess.run([binary, "--records", scratch, *paths], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
    with open(scratch, encoding="utf-8") as f:
        lines = [json.loads(l) for l in f if '"type":"connection"' in l]
    return {l["conn"]: l["client"]["ip"] for l in lines}


def mixed(number):
    mix = Mix(number)

    def play(lab):
        mix.play(lab)

    play.__name__, play.__doc__ = "mixed_%d" % number, mix.title()
    s = Scenario(play, {"wire": mix.wire, "ends": [e for a in mix.actors for e in a.ends], "dumps": EVERYWHERE, "live": "client server",
                        "needs": "postfix dovecot openssl"})
    s.mix = mix
    return s
