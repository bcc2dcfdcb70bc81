"""odd.py - scenarios drawn by lot: hosts, devices and captures of the odder kinds, one fault among them or none.

TCP with the settings that people turn, programs that write in bits, lines that are slow, policed or come and go, devices that forget
or damage; and at each place a capture of its own make: cut, begun too late, ended too soon, in pieces, of all interfaces, filtered.
The same number gives the same scenario; the packets are the kernel's.
"""
import random
import threading

from mail import client, dovecot, postfix
from net import CLIENT4, CLIENT6, PLACES, SERVER4, SERVER6, TCPDUMP, Trouble, Watch
from scenarios import BLACK_HOLE, DOWNLOAD, GAVE_UP, Scenario

KNOBS = ("timestamps=0", "sack=0", "dsack=0", "window_scaling=0", "ecn=1", "early_retrans=0", "recovery=0", "frto=0", "autocorking=0",
         "thin_linear_timeouts=1", "syncookies=2", "rto_min_us=5000", "rto_max_ms=3000", "shrink_window=1", "comp_sack_nr=0", "limit_output_bytes=4096",
         "notsent_lowat=2000", "retrans_collapse=0", "rmem=4096 4608 8192", "rmem=4096 16384 32768", "wmem=4096 4608 8192", "reordering=1",
         "mtu_probing=2", "no_metrics_save=1", "slow_start_after_idle=0", "pingpong_thresh=1")
ROUTE = ("quickack 1", "initcwnd 1", "initcwnd 40", "initrwnd 2", "advmss 536", "advmss 1220", "rto_min 10ms", "window 8000", "features ecn")
CARDS = ("", "", "tx on", "tx on tso on gso on", "tx on rx on tso on gso on gro on", "gro on")
SIZES = (300, 5000, 40000, 100000, 300000)
MANNERS = ("", "", "bits=70", "bits=70,nodelay", "bits=1500,nodelay", "pause=1.5", "pipe", "chunk=20000", "port=587", "nosize", "idle=2", "slow")
BY_TCPDUMP = TCPDUMP.replace
WAYS = {"whole": TCPDUMP, "cut at 96": BY_TCPDUMP("-s 0", "-s 96"), "cut at 200": BY_TCPDUMP("-s 0", "-s 200"), "in nanoseconds": TCPDUMP + " --nano",
        "of all interfaces": BY_TCPDUMP("-i %s", "-i any%.0s"), "in pieces": "dumpcap -q -B 32 -i %s -b filesize:20 -w %s",
        "of mail only": TCPDUMP + " tcp port 25 or tcp port 587 or tcp port 110", "inwards only": TCPDUMP + " -Q in", "outwards only": TCPDUMP + " -Q out",
        "begun late": TCPDUMP, "ended soon": TCPDUMP + " -c COUNT"}
WHOLE = ("whole", "in nanoseconds", "in pieces", "of all interfaces")    # there everything can be seen
PATIENCE = 14
EVERYWHERE = " ".join(PLACES)
SILENT = ("path-outage high-loss size-dependent-loss connected-no-banner idle-state-expired host-unreachable-silent port-blocked-silent duplicate-delivery "
          "server-timeout-421 %s %s" % (GAVE_UP, DOWNLOAD))
WORD = "X5O-LAB-STANDARD-TEST"


class Odd:
    """What was drawn, and how it is played."""

    def __init__(self, number):
        r = self.chance = random.Random("odd %d" % number)
        self.fault = r.choice(["nothing wrong"] * 3 + sorted(FAULTS))
        self.fate = FAULTS.get(self.fault, {})
        self.version = r.choice((4, 4, 6))
        self.down = r.random() < .35 and not self.fate.get("up")
        self.knobs = {who: r.sample(KNOBS, r.choice((0, 1, 2, 4))) for who in ("cl", "sv")}
        self.route = {who: r.sample(ROUTE, r.choice((0, 0, 1, 2))) for who in ("cl", "sv")}
        self.control = {who: r.choice(("cubic", "reno", "bbr")) for who in ("cl", "sv")}
        self.cards = {who: r.choice(CARDS) for who in ("cl", "sv")}
        self.sizes = [r.choice(SIZES) for _ in range(r.choice((1, 2, 3)))]
        self.ways = {place: r.choice(("whole", "whole", "whole", r.choice(sorted(WAYS)))) for place in PLACES}
        self.late, self.count = r.uniform(.6, 3), r.randint(5, 150)
        self.steps = ["pop,fetch"] if self.down else ["send=%d,%s" % (s, r.choice(MANNERS)) for s in self.sizes]
        self.wire = ["--delay", str(r.choice((.2, 2, 10, 40, 120))), "--seed", str(number)]
        self.since, self.lasts = r.uniform(.6, 3), r.choice((.5, 2, 5, 60))
        if "steps" in self.fate and not self.down:
            self.steps = self.fate["steps"](r)
        self.wire += self.fate["wire"](r) if "wire" in self.fate else []

    def title(self):
        hosts = "; ".join("%s: %s" % (who, ", ".join([self.control[who]] + self.knobs[who] + self.route[who] + [self.cards[who]] * bool(self.cards[who])))
                          for who in ("cl", "sv"))
        return "%s over IPv%d, %s; %s; captures %s; wire %s" % (
            self.fault, self.version, " and ".join(self.steps) + (" of %s" % self.sizes if self.down else ""), hosts,
            ", ".join("%s %s" % w for w in self.ways.items() if w[1] != "whole") or "whole", " ".join(self.wire))

    def command(self, place):
        way = self.ways[place]
        return WAYS[way].replace("COUNT", str(self.count)), self.late if way == "begun late" else 0

    def play(self, lab):
        net = lab.net
        for who in ("cl", "sv"):
            for knob in self.knobs[who]:
                net.sysctl(who, "net.ipv4.tcp_" + knob)
            net.control(who, self.control[who], *" ".join({a.split()[0]: a for a in self.route[who]}.values()).split())
            if self.cards[who]:
                net.sh(who, "ethtool", "-K", "eth0", *self.cards[who].split())
        dovecot(net, self.sizes) if self.down else postfix(net)
        if "before" in self.fate:
            self.fate["before"](self, net)
        lab.watching = Watch(net, lab.binary, lab.scenario.dumps, lab.scenario.live, {p: self.command(p) for p in PLACES})
        if "during" in self.fate:
            threading.Thread(target=self.pass_by, args=(net,), daemon=True).start()
        lab.outcome += client(net, *self.steps, timeout=PATIENCE, host=SERVER4 if self.version == 4 else SERVER6, patience=200)

    def pass_by(self, net):
        """The fault begins when it should, and ends."""
        over = threading.Event()
        over.wait(self.since)
        try:
            undo = self.fate["during"](self, net)
            over.wait(self.lasts)
            undo()
        except Trouble:         # all was done sooner, and the network is gone
            pass


# --- faults ---------------------------------------------------------------------------------------------

def eats_replies(_lot, net):
    """A device that cannot stand answers of the length that EHLO's has."""
    net.nft("hr", ("forward: tcp sport { 25, 587 } meta length 170-500 drop",))


def forgets(what):
    def before(_lot, net):
        net.nft("hr", ("forward: ct state invalid " + what,))
        net.sysctl("hr", "net.netfilter.nf_conntrack_tcp_timeout_established=4", "net.netfilter.nf_conntrack_tcp_loose=0")
    return before


def renumbers(_lot, net):
    """Address translation that forgets, and gives another port to the one who comes again."""
    for family in ("ip", "ip6"):
        net.sh("hr", "nft", "-f", "-", text="table %s lab { chain c { type nat hook postrouting priority 100; oifname wan0 masquerade random; }; }\n" % family)
    net.sysctl("hr", "net.netfilter.nf_conntrack_tcp_timeout_established=4")


def away(lot):
    return ("2001:db8:3::25/128", "2001:db8:1::/64")[lot.down] if lot.version == 6 else ("198.51.100.25/32", "192.0.2.0/24")[lot.down]


def route_goes(lot, net):
    """The provider's router has no way on; it says so, or it does not."""
    family = "-6" if lot.version == 6 else "-4"
    what = ["unreachable", "prohibit", "blackhole"][int(lot.since * 1000) % 3]
    net.ip("isp", family, "route", "add", what, away(lot), "metric", "1")
    return lambda: net.ip("isp", family, "route", "del", what, away(lot), "metric", "1")


def client_moves(lot, net):
    """The client gets another address and does not come back to the old one for some time."""
    old = (CLIENT4 + "/24", CLIENT6 + "/64")[lot.version == 6]
    new = ("192.0.2.77", "2001:db8:1::77")[lot.version == 6]
    net.address("cl", new)
    net.ip("cl", "addr", "del", old, "dev", "eth0")
    net.control("cl", lot.control["cl"])
    return lambda: net.address("cl", old.split("/")[0])


def slowly(r):
    return ["send=300000,slow", "sleep=1", "send=%d" % r.choice(SIZES)]


def rests(r):
    return ["send=%d,%s" % (r.choice((5000, 60000)), r.choice(("pause=7", "idle=7"))), "send=3000"]


def pick(option, *values):
    return lambda r: [option, str(r.choice(values))]


def several(*picks):
    return lambda r: [w for p in picks for w in p(r)]


LOSSES = "high-loss size-dependent-loss"
FAULTS = {
    "a line that comes and goes": dict(wire=several(pick("--outage-after", 200, 3000, 30000), pick("--turns", 2, 4, 7), pick("--turn-of", .4, 1.5, 4)),
                                       may=SILENT, hint=BLACK_HOLE),
    "a slow line": dict(wire=several(pick("--rate", 128, 300, 1000, 5000), pick("--queue", 6000, 20000, 150000)), may=LOSSES + " " + GAVE_UP),
    "a policed line": dict(wire=several(pick("--rate", 200, 600, 3000), pick("--bucket", 3000, 10000, 40000)), may="%s path-outage %s %s" % (
        LOSSES, GAVE_UP, DOWNLOAD)),
    "damaged frames": dict(wire=pick("--damage", .01, .04, .1), may="%s %s %s" % (LOSSES, GAVE_UP, DOWNLOAD)),
    # where the sender's buffer holds no more than that frame nothing behind it shows that the path lives
    "one frame always damaged": dict(up=True, wire=lambda r: ["--damage-on", WORD], want={"inline-content-drop|path-outage": "client lan wan"},
                                     steps=lambda r: ["send=100000,word=" + WORD], may=SILENT),
    "loss of one way": dict(wire=several(pick("--lossy-way", "up", "down"), pick("--lossy-starts", .01, .05, .1)),
                            may="%s %s %s" % (LOSSES, GAVE_UP, DOWNLOAD)),
    "losses in a row": dict(wire=several(pick("--lossy-way", "up", "down"), pick("--lossy-starts", .01, .03), pick("--lossy-row", 5, 20)),
                            may="path-outage %s %s %s" % (LOSSES, GAVE_UP, DOWNLOAD)),
    "a device that eats the answer to EHLO": dict(up=True, before=eats_replies, may="inline-content-drop " + SILENT),
    "a firewall that forgets": dict(up=True, before=forgets("drop"), steps=rests, may="idle-state-expired sender-app-pause " + SILENT),
    "a firewall that forgets and resets": dict(up=True, before=forgets("reject with tcp reset"), steps=rests,
                                               may="sender-app-pause middlebox-reset peer-reset server-dropped " + SILENT),
    "address translation that forgets": dict(up=True, before=renumbers, steps=rests, may="sender-app-pause middlebox-reset peer-reset server-dropped " + SILENT),
    "a route that goes": dict(during=route_goes, steps=slowly, may="host-unreachable-icmp port-blocked-icmp middlebox-reset " + SILENT, hint=BLACK_HOLE),
    "a client that moves": dict(during=client_moves, steps=slowly, may="host-unreachable-icmp peer-reset " + SILENT, hint="sender-app-pause " + BLACK_HOLE),
}


def odd(number):
    lot = Odd(number)

    def play(lab):
        lot.play(lab)

    play.__name__, play.__doc__ = "odd_%d" % number, lot.title()
    whole = [p for p in PLACES if lot.ways[p] in WHOLE]
    want = {k: " ".join(p for p in v.split() if p in whole) for k, v in lot.fate.get("want", {}).items()}
    if not lot.fate:
        want["mail-accepted"] = " ".join(whole)
    needs = {"dovecot" if lot.down else "postfix"} | {w.split()[0] for w in (WAYS[v] for v in lot.ways.values())}
    return Scenario(play, {"want": want, "may": lot.fate.get("may", ""), "hint": lot.fate.get("hint", ""), "wire": " ".join(lot.wire),
                           "ends": [None if lot.fate else True] * sum(not s.startswith("sleep") for s in lot.steps), "dumps": EVERYWHERE,
                           "live": "client server", "needs": " ".join(sorted(needs))})
