"""renumber.py - the same connections with other numbers.

Sequence numbers and timestamps begin just before they wrap, IP identifications
anywhere (one that wraps is 0, which says nothing); hosts have other addresses in
their networks.
Checksums that were right stay right, wrong ones wrong, those left to the card
(RFC 9293: the sum of the pseudo header alone) stay so.
"""
import ipaddress
import struct

LINKS = {1: 14, 12: 0, 101: 0, 113: 16, 276: 20, 228: 0, 229: 0}      # where what is behind them begins
TCP, ICMP, ICMP6 = 6, 1, 58
FEW_BYTES, FEW_TICKS = 30000, 60000     # before the wrap


class Other(Exception):
    """A frame that this does not know how to change: fragments, extension headers."""


def sum16(*parts):
    """RFC 1071, without the complement."""
    total = 0
    for p in parts:
        p = bytes(p) + bytes(len(p) % 2)
        total += sum(struct.unpack("!%dH" % (len(p) // 2), p))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def put16(out, at, value):
    out[at:at + 2] = struct.pack("!H", value)


class Numbers:
    def __init__(self, rng):
        self.rng, self.host, self.moved = rng, rng.sample(range(1, 255), 254), {}
        self.named = {}         # address as it is now -> as it was

    def address(self, a):
        """Another host of the same /24, or of the last byte of an IPv6 address; no multicast, loopback, broadcast."""
        if a[-1] in (0, 255) or a[0] in (0, 127, 255) or len(a) == 4 and a[0] >= 224:
            return a
        b = a[:-1] + bytes([self.host[a[-1] - 1]])
        self.named[str(ipaddress.ip_address(b))] = str(ipaddress.ip_address(a))
        return b

    def move(self, key, value, least, most):
        """`value' of a row of numbers; the first of them comes to lie between `least' and `most'."""
        if key not in self.moved:
            self.moved[key] = self.rng.randrange(least, most) - value
        return value + self.moved[key]

    def frame(self, link, data):
        out, at = bytearray(data), LINKS[link]
        kind = out[at - 2:at] if at else None
        while kind in (b"\x81\0", b"\x88\xa8"):
            at += 4
            kind = out[at - 2:at]
        if kind in (None, b"\x08\0", b"\x86\xdd"):
            self.ip(out, at, False)
        elif kind in (b"\x88\x64", b"\x88\x48"):
            raise Other
        return bytes(out)

    def ip(self, out, at, quoted):
        if len(out) < at + 20:
            return
        if out[at] >> 4 == 4:
            a, size, up, protocol = at + 12, 4, at + (out[at] & 15) * 4, out[at + 9]
            length = struct.unpack("!H", out[at + 2:at + 4])[0] - (up - at)
            if struct.unpack("!H", out[at + 6:at + 8])[0] & 0x3fff:
                raise Other
        else:
            a, size, up, protocol = at + 8, 16, at + 40, out[at + 6]
            length = struct.unpack("!H", out[at + 4:at + 6])[0]
        if protocol not in (TCP, ICMP, ICMP6, 17):
            raise Other
        before, right = bytes(out[a:a + 2 * size]), size == 4 and sum16(out[at:up]) == 0xffff
        if size == 4 and out[at + 4:at + 6] != b"\0\0":
            put16(out, at + 4, self.move(("id", before[:4]), struct.unpack("!H", out[at + 4:at + 6])[0], 1, 20000) % 2**16)
        out[a:a + 2 * size] = self.address(before[:size]) + self.address(before[size:])
        if right:
            out[at + 10:at + 12] = b"\0\0"
            put16(out, at + 10, 0xffff - sum16(out[at:up]))
        whole = not quoted and 8 <= length <= len(out) - up
        tail = struct.pack("!II", length, protocol)
        check = up + {TCP: 16, 17: 6}.get(protocol, 2)
        pseudo = [b"" if protocol == ICMP else x + tail for x in (before, bytes(out[a:a + 2 * size]))]
        right = whole and sum16(pseudo[0], out[up:up + length]) == 0xffff
        left = whole and struct.unpack("!H", out[check:check + 2])[0] == sum16(pseudo[0])
        if protocol == TCP:
            self.tcp(out, up, before[:size], before[size:])
        elif protocol != 17 and not quoted and len(out) > up and out[up] in ((3, 4, 5, 11, 12) if protocol == ICMP else range(128)):
            self.ip(out, up + 8, True)
        if right:
            out[check:check + 2] = b"\0\0"
            put16(out, check, 0xffff - sum16(pseudo[1], out[up:up + length]))
        elif left:
            put16(out, check, sum16(pseudo[1]))

    def tcp(self, out, at, src, dst):
        if len(out) < at + 8:
            return
        ports = bytes(out[at:at + 4])
        own, peer = (src, dst, ports), (dst, src, ports[2:] + ports[:2])

        def moved(where, of, few=FEW_BYTES):
            value = struct.unpack("!I", out[where:where + 4])[0]
            out[where:where + 4] = struct.pack("!I", self.move(of, value, 2**32 - few, 2**32) % 2**32)

        moved(at + 4, own)
        if len(out) < at + 14:
            return
        if out[at + 13] & 0x10:
            moved(at + 8, peer)
        for where, kind, size in options(out, at):
            if kind == 5:               # SACK
                for block in range(where + 2, where + size - 3, 4):
                    moved(block, peer)
            elif kind == 8 and size == 10:      # timestamps; an echo of 0 is none
                moved(where + 2, ("ts", own), FEW_TICKS)
                if any(out[where + 6:where + 10]):
                    moved(where + 6, ("ts", peer), FEW_TICKS)


def options(out, at):
    """(where, kind, length) of the options of the TCP header there."""
    where, end = at + 20, min(at + (out[at + 12] >> 4) * 4, len(out))
    while where + 1 < end and out[where] != 0:
        if out[where] == 1:
            where += 1
            continue
        if out[where + 1] < 2 or where + out[where + 1] > end:
            return
        yield where, out[where], out[where + 1]
        where += out[where + 1]


def renumbered(cap, rng):
    """(the capture with other numbers, addresses as they are now -> as they were), or None."""
    if cap.link not in LINKS:
        return None
    n = Numbers(rng)
    try:
        return cap.with_frames([(ns, wire, n.frame(cap.link, data)) for ns, wire, data in cap.frames]), n.named
    except Other:
        return None
