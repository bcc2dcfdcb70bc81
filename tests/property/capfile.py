"""capfile.py - captures as lists of frames: read, changed, written again.

Reads classic pcap (both byte orders, micro- and nanoseconds), plain or gz;
writes pcap and pcapng.  A frame is (nanoseconds, length on the wire, bytes).
"""
import gzip
import struct

HEADER = 24     # bytes of a classic file before its first frame

MAGICS = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
          b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}


class Capture:
    def __init__(self, link, frames, snaplen=262144):
        self.link, self.frames, self.snaplen = link, frames, snaplen

    def with_frames(self, frames, snaplen=None):
        return Capture(self.link, frames, self.snaplen if snaplen is None else snaplen)

    def pcap(self, order="<", unit=1000):
        magic = {1000: 0xa1b2c3d4, 1: 0xa1b23c4d}[unit]
        out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, self.snaplen, self.link)]
        for ns, wire, data in self.frames:
            out.append(struct.pack(order + "IIII", ns // 10**9, ns % 10**9 // unit, len(data), wire))
            out.append(data)
        return b"".join(out)

    def offsets(self):
        """Where each frame begins in pcap(), and the end of the file."""
        at = [HEADER]
        for _, _, data in self.frames:
            at.append(at[-1] + 16 + len(data))
        return at

    def pcapng(self, order="<"):
        def block(kind, body):
            body += bytes(-len(body) % 4)
            return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)

        resolution = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)      # nanoseconds
        out = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
               block(1, struct.pack(order + "HHI", self.link, 0, self.snaplen) + resolution)]
        for ns, wire, data in self.frames:
            out.append(block(6, struct.pack(order + "IIIII", 0, ns >> 32, ns & 0xffffffff, len(data), wire) + data))
        return b"".join(out)


def load(path):
    """A Capture, or None when the file is not one that we read."""
    with open(path, "rb") as f:
        raw = f.read()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    if raw[:4] not in MAGICS:
        return None
    order, unit = MAGICS[raw[:4]]
    snaplen, link = struct.unpack(order + "II", raw[16:24])
    frames, at = [], HEADER
    while at + 16 <= len(raw):
        sec, frac, n, wire = struct.unpack(order + "IIII", raw[at:at + 16])
        if at + 16 + n > len(raw):
            return None         # a cut file: it is a case of its own
        frames.append((sec * 10**9 + frac * unit, wire, raw[at + 16:at + 16 + n]))
        at += 16 + n
    return Capture(link, frames, snaplen) if at == len(raw) else None


def from_port(link, data, ports):
    """Does this Ethernet frame bring payload from one of these TCP ports?  Plain IPv4 and IPv6 only."""
    if link != 1 or len(data) < 54:
        return False
    kind, at = data[12:14], 14
    if kind == b"\x08\x00" and data[23] == 6:
        end, at = at + struct.unpack("!H", data[16:18])[0], at + (data[14] & 15) * 4
    elif kind == b"\x86\xdd" and data[20] == 6:
        end, at = 54 + struct.unpack("!H", data[18:20])[0], 54
    else:
        return False
    if at + 20 > len(data):
        return False
    return struct.unpack("!H", data[at:at + 2])[0] in ports and end > at + (data[at + 12] >> 4) * 4


def ends(link, data):
    """(source, destination) of TCP over plain IPv4 or IPv6 and Ethernet, or None."""
    if link != 1 or len(data) < 54:
        return None
    if data[12:14] == b"\x08\x00" and data[23] == 6:
        at, source, destination = 14 + (data[14] & 15) * 4, data[26:30], data[30:34]
    elif data[12:14] == b"\x86\xdd" and data[20] == 6:
        at, source, destination = 54, data[22:38], data[38:54]
    else:
        return None
    ports = data[at:at + 4]
    return ((source, ports[:2]), (destination, ports[2:])) if len(ports) == 4 else None


def connection(link, data):
    """The same for both directions; None: no TCP."""
    e = ends(link, data)
    return e and tuple(sorted(e))


def to_lower_port(link, data):
    """From the client, most likely; None: no TCP."""
    e = ends(link, data)
    return e and e[1][1] < e[0][1]


def elsewhere(data, hops):
    """The same Ethernet frame on another wire."""
    ttl = {b"\x08\x00": 22, b"\x86\xdd": 21}.get(data[12:14])
    out = bytearray(data)
    out[0:12] = b"\x02\0\0\0\0\x09\x02\0\0\0\0\x0a"
    if ttl and len(out) > ttl and out[ttl] > hops:
        out[ttl] -= hops
    return bytes(out)
