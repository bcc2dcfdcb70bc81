"""drawn.py - scenarios drawn by lot: one fault, on hosts and a path of any kind.  What is true follows from the lot.

The same number gives the same scenario; the packets are the kernel's, and never quite the same.
"""
import random

from mail import dovecot, postfix
from net import CLIENT4, PLACES, SERVER4, SERVER6
from scenarios import BLACK_HOLE, DOWNLOAD, GAVE_UP, RECOVERED, Scenario, smtp

MSS_RULE = "forward: tcp flags & (syn|rst) == syn tcp option maxseg size set %d"
UNHEARD = {4: "input: icmp type destination-unreachable drop", 6: "input: icmpv6 type packet-too-big drop"}
OPTIONS = (("timestamps=0", .3), ("sack=0", .2), ("ecn=1", .15), ("early_retrans=0", .15), ("rmem=4096 16384 32768", .2))
SIZES = (12000, 40000, 100000, 200000)
OUTAGE = ("path-outage high-loss connected-no-banner slow-banner slow-reply host-unreachable-silent port-blocked-silent idle-state-expired "
          "duplicate-delivery")
PATIENCE = 14       # seconds: what is sent again three times after a RTO of 1 s shows


class Lot:
    """What was drawn, and how it is played."""

    def __init__(self, number):
        r = self.chance = random.Random(number)
        self.fault = r.choice(sorted(FAULTS))
        self.version = r.choice((4, 4, 6))
        self.down = r.random() < .35
        self.nat = self.version == 4 and not self.down and r.random() < .3     # translated, a packet takes another route back
        self.mtu = r.choice((1492, 1480, 1454, 1400, 1300) + ((1200, 1006, 800, 576) if self.version == 4 else ()))
        self.settings = {who: ["net.ipv4.tcp_" + o for o, p in OPTIONS if r.random() < p] for who in ("cl", "sv")}
        self.offload = [who for who in ("cl", "sv") if r.random() < .35]
        self.sizes = [r.choice(SIZES) for _ in range(r.choice((1, 1, 2)))]
        self.wire = ["--delay", str(r.choice((1, 5, 10, 40, 100))), "--seed", str(number)]
        self.probing = r.choice((1, 2))
        self.sender, self.way = ("sv", "down") if self.down else ("cl", "up")
        self.near = "server srvside" if self.down else "client lan"

    def title(self):
        tcp = "; ".join("%s: %s" % (who, ", ".join(o.split("tcp_")[1] for o in s)) for who, s in self.settings.items() if s)
        return "%s, %sload over IPv%d%s, MTU %d, %s bytes, offload %s, %s, wire %s" % (
            self.fault, self.way, self.version, " with NAT" if self.nat else "", self.mtu, " and ".join(map(str, self.sizes)),
            " ".join(self.offload) or "off", tcp or "usual TCP", " ".join(self.wire))

    def play(self, lab):
        net, host = lab.net, SERVER4 if self.version == 4 else SERVER6
        for who in ("cl", "sv"):
            net.sysctl(who, *self.settings[who])
            if who in self.offload:
                net.offload(who, "eth0")
        if self.nat:
            net.sh("hr", "iptables", "-t", "nat", "-A", "POSTROUTING", "-s", CLIENT4, "-o", "wan0", "-j", "MASQUERADE")
        dovecot(net, self.sizes) if self.down else postfix(net)
        FAULTS[self.fault](self, net)
        smtp(lab, *(["pop,fetch"] if self.down else ["send=%d" % s for s in self.sizes]), timeout=PATIENCE, host=host)


def narrow(lot, net):
    net.path_mtu(lot.way, lot.mtu)


def narrow_but_told(lot, net):
    net.path_mtu(lot.way, lot.mtu, quiet=False)


def narrow_and_unheard(lot, net):
    narrow_but_told(lot, net)
    net.nft(lot.sender, (UNHEARD[lot.version],))


def narrow_but_clamped(lot, net):
    net.path_mtu("up", lot.mtu)
    net.path_mtu("down", lot.mtu)
    net.nft("hr", (MSS_RULE % (lot.mtu - (40 if lot.version == 4 else 60)),))


def narrow_and_probed(lot, net):
    net.sysctl(lot.sender, "net.ipv4.tcp_mtu_probing=%d" % lot.probing)
    narrow(lot, net)


def nothing(_lot, _net):
    pass


FAULTS = {"black hole": narrow, "MTU told and heard": narrow_but_told, "MTU told and unheard": narrow_and_unheard, "MSS clamped": narrow_but_clamped,
          "black hole and MTU probing": narrow_and_probed, "a disorderly path": nothing, "loss": nothing, "outage": nothing, "nothing wrong": nothing}

# what must be said (* = near the sender), what may be said besides
TRUTH = {"black hole": ({BLACK_HOLE: "*"}, "mss-not-clamped %s %s %s" % (RECOVERED, GAVE_UP, DOWNLOAD)),
         "MTU told and unheard": ({"icmp-frag-needed-ignored": "*"}, "%s mss-not-clamped %s %s" % (BLACK_HOLE, GAVE_UP, DOWNLOAD)),
         "black hole and MTU probing": ({}, "%s %s mss-not-clamped %s %s" % (BLACK_HOLE, RECOVERED, GAVE_UP, DOWNLOAD)),
         "loss": ({}, "high-loss size-dependent-loss %s %s" % (GAVE_UP, DOWNLOAD)),
         "outage": ({}, "%s %s %s" % (OUTAGE, GAVE_UP, DOWNLOAD))}
HINT = {"outage": BLACK_HOLE}       # that began with the first large packet looks so


def wire_of(lot):
    r = lot.chance
    if lot.fault == "loss":
        p = str(r.choice((.005, .01, .03, .06, .1)))
        return ["--loss-big", p, "--loss-small", p]
    if lot.fault == "a disorderly path":
        return ["--jitter", str(r.choice((1, 5, 20))), "--twice", str(r.choice((0, .01, .05))), "--overtaken", str(r.choice((0, .01, .02)))]
    if lot.fault == "outage":
        out = ["--outage-after", str(r.choice((300, 700, 5000, 20000))), "--dead-way", r.choice(("both", "up"))]
        return out + (["--outage-for", str(r.choice((1.5, 3, 6)))] if r.random() < .7 else [])
    return []


def drawn(number):
    lot = Lot(number)
    lot.wire += wire_of(lot)
    want, may = TRUTH.get(lot.fault, ({}, ""))

    def play(lab):
        lot.play(lab)

    play.__name__, play.__doc__ = "drawn_%d" % number, lot.title()
    ends = False if want else None if lot.fault in ("loss", "outage", "black hole and MTU probing") else True
    return Scenario(play, {"want": {k: lot.near for k in want}, "may": may, "hint": HINT.get(lot.fault, ""), "wire": " ".join(lot.wire),
                           "ends": [ends] * (1 if lot.down else len(lot.sizes)), "dumps": " ".join(PLACES), "live": "client server",
                           "needs": ("dovecot" if lot.down else "postfix") + (" iptables" if lot.nat else "")})
