#!/usr/bin/python3
"""wire.py LEFT RIGHT [options] - a cable in user space between two interfaces.

Everything that comes in at LEFT goes out at RIGHT and back, after a delay of
at least 10 ms each way (the kernel of a test machine need not have netem).
Direction "up" is LEFT to RIGHT: from the customer to the provider.

On its way a frame may meet what a middlebox does: it is lost, too large,
rewritten with the length preserved, or the cable is dead for a while.
Prints "ready" when both ends are open.
"""
import argparse
import heapq
import random
import re
import select
import socket
import struct
import time

PACKET_IGNORE_OUTGOING = 23
PACKET_OUTGOING = 4


def open_end(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 0))
    # The frames are addressed to the far hosts, not to this interface.
    s.setsockopt(263, 1, struct.pack("IHH8s", socket.if_nametoindex(name), 1, 0, b""))
    try:
        s.setsockopt(263, PACKET_IGNORE_OUTGOING, 1)
    except OSError:
        pass
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.setblocking(False)
    return s


class Segment:
    """Where TCP and its payload lie in an Ethernet frame; None fields when it is no TCP."""

    def __init__(self, frame):
        self.tcp = None
        kind = frame[12:14]
        if kind == b"\x08\x00" and frame[23] == 6:
            self.addresses, self.tcp = frame[26:34], 14 + (frame[14] & 15) * 4
            self.end = 14 + struct.unpack_from("!H", frame, 16)[0]
        elif kind == b"\x86\xdd" and frame[20] == 6:
            self.addresses, self.tcp = frame[22:54], 54
            self.end = 54 + struct.unpack_from("!H", frame, 18)[0]
        if self.tcp is not None:
            self.payload = self.tcp + (frame[self.tcp + 12] >> 4) * 4
            self.flags = frame[self.tcp + 13]


def repair(frame, seg):
    """The TCP checksum, anew."""
    struct.pack_into("!H", frame, seg.tcp + 16, 0)
    tcp = bytes(frame[seg.tcp:seg.end])
    text = bytes(seg.addresses) + struct.pack("!HH", 6, len(tcp)) + tcp + b"\0" * (len(tcp) & 1)
    total = sum(struct.unpack("!%dH" % (len(text) // 2), text))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    struct.pack_into("!H", frame, seg.tcp + 16, ~total & 0xffff)


def rewrite(frame, change):
    """change(payload) -> payload of the same length; the frame with it."""
    seg = Segment(frame)
    if seg.tcp is None or seg.payload >= seg.end:
        return frame
    old = bytes(frame[seg.payload:seg.end])
    new = change(old)
    if new == old:
        return frame
    assert len(new) == len(old)
    frame = bytearray(frame)
    frame[seg.payload:seg.end] = new
    repair(frame, seg)
    return bytes(frame)


def strip_starttls(payload):
    return payload.replace(b"250-STARTTLS", b"250-XXXXXXXA")


def mask_banner(payload):
    return re.sub(rb"^220[ -][^\r\n]*", lambda m: m.group()[:4] + b"*" * (len(m.group()) - 4), payload)


def mask_ehlo(payload):
    return re.sub(rb"^EHLO ", b"XXXX ", payload)


def strip_wscale(frame):
    """The window-scale option of a SYN-ACK becomes padding."""
    seg = Segment(frame)
    if seg.tcp is None or seg.flags & 0x12 != 0x12:
        return frame
    frame = bytearray(frame)
    at = seg.tcp + 20
    while at < seg.payload and frame[at] != 0:
        if frame[at] == 3:
            frame[at:at + 3] = b"\1\1\1"
            repair(frame, seg)
            break
        at += 1 if frame[at] == 1 else max(frame[at + 1], 2)
    return bytes(frame)


def damage(frame, chance):
    """A few bits of the payload, or of the header where there is none, and nobody reckons the checksum anew."""
    seg = Segment(frame)
    if seg.tcp is None:
        return frame
    frame = bytearray(frame)
    at = chance.randrange(seg.payload, seg.end) if seg.payload < seg.end else seg.tcp + 15
    frame[at] ^= chance.randrange(1, 128)
    return bytes(frame)


class Line:
    """One way of a line that is slow (--rate, --queue), or policed (--rate, --bucket): how long a frame waits, or None."""

    def __init__(self, opt):
        self.rate, self.queue, self.bucket = opt.rate * 125, opt.queue, opt.bucket     # bytes: a second, at most
        self.free_at, self.credit, self.since = 0, opt.bucket, 0

    def policed(self, size, now):
        self.credit, self.since = min(self.bucket, self.credit + (now - self.since) * self.rate), now
        if self.credit < size:
            return None
        self.credit -= size
        return 0

    def wait(self, size, now):
        if not self.rate:
            return 0
        if self.bucket:
            return self.policed(size, now)
        ahead = max(self.free_at - now, 0)
        if ahead * self.rate + size > self.queue:
            return None
        self.free_at = now + ahead + size / self.rate
        return self.free_at - now


class Middlebox:
    """What the options ask for; passes() returns the frame that goes on, or None."""

    def __init__(self, opt):
        self.opt, self.chance = opt, random.Random(opt.seed)
        self.odd = random.Random("odd %d" % opt.seed)   # of its own, so that what the other draws stays as it was
        self.bytes_up, self.dead_until, self.turns, self.struck = 0, None, [], 0
        self.lines = {up: Line(opt) for up in (False, True)}

    def gone(self, now):
        """After --outage-after bytes upwards the line goes and comes, --turns times."""
        if not self.turns and self.bytes_up > self.opt.outage_after:
            self.turns = [now]
            for _ in range(2 * self.opt.turns - 1):
                self.turns.append(self.turns[-1] + self.odd.uniform(.1, self.opt.turn_of))
        return sum(t <= now for t in self.turns) % 2 == 1

    def struck_by(self, up):
        """Loss one way, one by one or many in a row."""
        if up != (self.opt.lossy_way == "up"):
            return False
        if self.odd.random() < self.opt.lossy_starts:
            self.struck = self.odd.randint(1, self.opt.lossy_row)
        self.struck -= 1
        return self.struck >= 0

    def dead(self, frame, up, now):
        """After --outage-after bytes upwards, or with --dead-on TEXT, the line dies for --outage-for seconds."""
        opt = self.opt
        self.bytes_up += len(frame) - 14 if up else 0
        if opt.turns:
            return self.gone(now)
        if self.dead_until is None and (opt.outage_after is not None and self.bytes_up > opt.outage_after
                                        or opt.dead_on is not None and opt.dead_on.encode() in frame):
            self.dead_until = now + opt.outage_for
        return (up or opt.dead_way == "both") and self.dead_until is not None and now < self.dead_until

    def passes(self, frame, up, now):
        opt, size = self.opt, len(frame) - 14
        if frame[12:14] == b"\x08\x06" or frame[14:15] == b"\x60" and frame[20] == 58 and frame[54] > 127:
            return frame  # ARP and neighbour discovery are the hosts' own
        if self.dead(frame, up, now):
            return None
        if size > (opt.mtu_up if up else opt.mtu_down):
            return None
        if self.chance.random() < (opt.loss_big if size > 1000 else opt.loss_small) or opt.lossy_way and self.struck_by(up):
            return None
        if self.odd.random() < opt.damage or opt.damage_on and opt.damage_on.encode() in frame:
            frame = damage(frame, self.odd)
        if not up and "starttls" in opt.rewrite:
            frame = rewrite(frame, strip_starttls)
        if "banner" in opt.rewrite:
            frame = rewrite(frame, mask_ehlo if up else mask_banner)
        if not up and "wscale" in opt.rewrite:
            frame = strip_wscale(frame)
        return frame

    def delays(self, size, up, now):
        """Milliseconds, one for each time that the frame arrives."""
        opt, chance = self.opt, self.chance
        wait = self.lines[up].wait(size, now)
        if wait is None:
            return ()
        late = opt.delay + wait * 1000 + chance.random() * opt.jitter
        if chance.random() < opt.overtaken:
            late += chance.uniform(3, 20)
        return (late, late + 2) if chance.random() < opt.twice else (late,)


def carry(ends, opt):
    box = Middlebox(opt)
    queue, order = [], 0
    while True:
        wait = max(queue[0][0] - time.monotonic(), 0) if queue else None
        for s in select.select(ends, [], [], wait)[0]:
            up = s is ends[0]
            while True:
                try:
                    frame, address = s.recvfrom(65536)
                except BlockingIOError:
                    break
                except OSError:  # the interface is going down
                    return
                now = time.monotonic()
                frame = None if address[2] == PACKET_OUTGOING else box.passes(frame, up, now)
                for late in () if frame is None else box.delays(len(frame) - 14, up, now):
                    order += 1
                    heapq.heappush(queue, (now + late / 1000, order, ends[up], frame))
        now = time.monotonic()
        while queue and queue[0][0] <= now:
            _, _, out, frame = heapq.heappop(queue)
            try:
                out.send(frame)
            except OSError:  # larger than the interface, or its queue is full: lost
                pass


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("left")
    ap.add_argument("right")
    ap.add_argument("--delay", type=float, default=10, help="milliseconds, each way")
    ap.add_argument("--jitter", type=float, default=0, help="milliseconds more, at most, drawn for each frame")
    ap.add_argument("--overtaken", type=float, default=0, help="chance to be held up for 3 to 20 ms")
    ap.add_argument("--twice", type=float, default=0, help="chance to arrive twice")
    ap.add_argument("--mtu-up", type=int, default=65535)
    ap.add_argument("--mtu-down", type=int, default=65535)
    ap.add_argument("--loss-big", type=float, default=0, help="chance, packets over 1000 bytes")
    ap.add_argument("--loss-small", type=float, default=0, help="chance, the others")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--outage-after", type=int, help="bytes upwards")
    ap.add_argument("--dead-on", metavar="TEXT", help="dies with the first frame that holds it")
    ap.add_argument("--dead-way", choices=["both", "up"], default="both")
    ap.add_argument("--outage-for", type=float, default=1e9, help="seconds")
    ap.add_argument("--turns", type=int, default=0, help="after --outage-after it goes and comes so often")
    ap.add_argument("--turn-of", type=float, default=2, help="seconds at most, each time gone and each time there")
    ap.add_argument("--lossy-way", choices=["up", "down"])
    ap.add_argument("--lossy-starts", type=float, default=0, help="chance, each frame that way")
    ap.add_argument("--lossy-row", type=int, default=1, help="... that so many at most are lost in a row")
    ap.add_argument("--damage", type=float, default=0, help="chance to arrive with other bits and the old checksum")
    ap.add_argument("--damage-on", metavar="TEXT", help="... each frame that holds it")
    ap.add_argument("--rate", type=float, default=0, help="kbit/s, each way")
    ap.add_argument("--queue", type=int, default=50000, help="bytes that wait at most")
    ap.add_argument("--bucket", type=int, default=0, help="none wait: bytes at once, above them what is over the rate is dropped")
    ap.add_argument("--rewrite", action="append", default=[], choices=["starttls", "banner", "wscale"])
    opt = ap.parse_args()
    ends = [open_end(opt.left), open_end(opt.right)]
    print("ready", flush=True)
    carry(ends, opt)


if __name__ == "__main__":
    main()
