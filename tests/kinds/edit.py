"""edit.py - what befalls a capture after the packets: done to a classic pcap file of Ethernet and IPv4.

    lose A-B          the frames A to B were not captured (first frame is 1)
    from N            the capture begins with frame N
    until N           it ends with frame N
    without PORT      nothing that was sent from PORT was captured; `without icmp': no ICMP
    double N          every N-th frame was captured twice, 5 us later
    again N HOPS      every frame was captured a second time N us later, HOPS routers further on; N may be A-B: by chance
    id N              the IPv4 ID of every packet is N
    wire N US         up to N segments in a row are one (offload), and the pieces were captured as well, US us later
    clock N SECONDS   from frame N on the clock is ahead by that (behind: negative)
    stamps N         the clock tells no less than N us
    skew PORT N       what was sent from PORT was captured by another card, whose clock is N us ahead; in order of time
    nearer A-B N     the frames A to B were captured N routers nearer to the server (the lower port): two captures made one
    late A N         frame A was recorded N places late, with its own time
    snap N           at most N bytes of each frame were kept, though the file does not say so
    reword OLD NEW   what was captured here says NEW where the others' says OLD (a device between changed it, and the sequence
                      numbers with its length); blanks are \x20
    renumber N       sequence numbers are N higher in both directions, and there are no time stamps: another connection
    join N [A-B]      (of the frames A to B) up to N segments in a row are one: what offload shows
"""
import random
import struct


def frames_read(path):
    with open(path, "rb") as f:
        data = f.read()
    nano = data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    frames, at = [], 24
    while at + 16 <= len(data):
        sec, frac, kept, length = struct.unpack_from(order + "IIII", data, at)
        frames.append([sec * 10 ** 9 + frac * (1 if nano else 1000), length, data[at + 16:at + 16 + kept]])
        at += 16 + kept
    return data[:24], order, nano, frames


def frames_write(path, head, order, nano, frames):
    with open(path, "wb") as f:
        f.write(head)
        for ns, length, data in frames:
            f.write(struct.pack(order + "IIII", ns // 10 ** 9, ns % 10 ** 9 // (1 if nano else 1000), len(data), length) + data)


class Segment:
    """Where things lie in a TCP frame; `tcp` None for others."""

    def __init__(self, data):
        self.tcp = None
        if data[12:14] != b"\x08\x00" or data[23] != 6:
            return
        self.tcp = 14 + (data[14] & 15) * 4
        self.payload = self.tcp + (data[self.tcp + 12] >> 4) * 4
        self.end = 14 + struct.unpack_from("!H", data, 16)[0]
        self.sport, self.dport, self.seq, self.ack = struct.unpack_from("!HHII", data, self.tcp)
        self.flags = data[self.tcp + 13]
        self.len = self.end - self.payload


def checksum(text):
    text += b"\0" * (len(text) & 1)
    total = sum(struct.unpack("!%dH" % (len(text) // 2), text))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def grown(data, seg, more):
    """The frame with `more` behind its payload, lengths and checksums anew."""
    data = bytearray(data[:seg.end] + more)
    struct.pack_into("!H", data, 16, len(data) - 14)
    struct.pack_into("!H", data, 24, 0)
    struct.pack_into("!H", data, 24, checksum(bytes(data[14:seg.tcp])))
    struct.pack_into("!H", data, seg.tcp + 16, 0)
    pseudo = bytes(data[26:34]) + struct.pack("!HH", 6, len(data) - seg.tcp)
    struct.pack_into("!H", data, seg.tcp + 16, checksum(pseudo + bytes(data[seg.tcp:])))
    return bytes(data)


def join(frames, most):
    out, count = [], 0
    for frame in frames:
        now, last = Segment(frame[2]), Segment(out[-1][2]) if out else None
        if (last is not None and now.tcp and last.tcp and now.len > 0 and last.len > 0 and count < most and now.sport == last.sport
                and now.dport == last.dport and now.seq == last.seq + last.len and now.ack == last.ack):
            data = grown(out[-1][2], last, frame[2][now.payload:now.end])
            out[-1] = [out[-1][0], len(data), data]
            count += 1
        else:
            out.append(frame)
            count = 1
    return out


def routed(data, hops=0, number=None):
    if data[12:14] != b"\x08\x00":
        return data
    data = bytearray(data)
    data[22] -= hops
    if number is not None:
        struct.pack_into("!H", data, 18, number)
    struct.pack_into("!H", data, 24, 0)
    struct.pack_into("!H", data, 24, checksum(bytes(data[14:14 + (data[14] & 15) * 4])))
    return bytes(data)


def shifted(number, changes):
    """A sequence number behind places whose length was changed: as the far side of the device has it."""
    return (number + sum(more for at, more in changes if (number - at) & 0xffffffff < 1 << 31)) & 0xffffffff


def renumber(frames, more):
    out = []
    for frame in frames:
        seg, data = Segment(frame[2]), bytearray(frame[2])
        if seg.tcp is not None:
            struct.pack_into("!II", data, seg.tcp + 4, (seg.seq + more) & 0xffffffff, (seg.ack + more if seg.flags & 16 else 0) & 0xffffffff)
            at = seg.tcp + 20
            while at < seg.payload and data[at] != 0:
                kind, size = data[at], 1 if data[at] == 1 else max(data[at + 1], 2)
                if kind == 8:
                    data[at:at + size] = b"\1" * size
                at += size
            data = grown(bytes(data), seg, b"")
        out.append([*frame[:2], bytes(data)])
    return out


def reword(frames, old, new):
    out, changes = [], {}
    for frame in frames:
        seg = Segment(frame[2])
        if seg.tcp is None:
            out.append(frame)
            continue
        mine, theirs = changes.setdefault(seg.sport, []), changes.setdefault(seg.dport, [])
        said = frame[2][seg.payload:seg.end]
        data = bytearray(frame[2][:seg.payload])
        struct.pack_into("!II", data, seg.tcp + 4, shifted(seg.seq, mine), shifted(seg.ack, theirs))
        if old in said:
            mine.append(((seg.seq + seg.len) & 0xffffffff, len(said.replace(old, new)) - len(said)))
        seg.end = seg.payload
        data = grown(bytes(data), seg, said.replace(old, new))
        out.append([frame[0], len(data), data])
    return out


def one(frames, what, words):
    if (what, words) == ("without", ["icmp"]):
        return [f for f in frames if f[2][12:14] != b"\x08\x00" or f[2][23] != 1]
    if what == "reword":
        return reword(frames, *(w.encode().decode("unicode_escape").encode("latin-1") for w in words))
    number = [int(w) for w in words[0].split("-")] if words else []
    if what == "lose" and len(number) == 2:
        return frames[:number[0] - 1] + frames[number[1]:]
    if what == "from":
        return frames[number[0] - 1:]
    if what == "until":
        return frames[:number[0]]
    if what == "without":
        return [f for f in frames if Segment(f[2]).tcp is None or Segment(f[2]).sport != number[0]]
    if what == "double":
        return [x for n, f in enumerate(frames, 1) for x in ([f, [f[0] + 5000, *f[1:]]] if n % number[0] == 0 else [f])]
    if what == "again":
        dice = random.Random(1)
        return sorted(frames + [[f[0] + dice.randint(number[0], number[-1]) * 1000, f[1], routed(f[2], int(words[1]))] for f in frames],
                      key=lambda f: f[0])
    if what == "id":
        return [[*f[:2], routed(f[2], number=number[0])] for f in frames]
    if what == "wire":
        return sorted(join(frames, number[0]) + [[f[0] + int(words[1]) * 1000, *f[1:]] for f in frames], key=lambda f: f[0])
    if what == "clock":
        return [[f[0] + (int(words[1]) * 10 ** 9 if n >= number[0] else 0), *f[1:]] for n, f in enumerate(frames, 1)]
    if what == "stamps":
        return [[f[0] // (number[0] * 1000) * number[0] * 1000, *f[1:]] for f in frames]
    if what == "skew":
        late = [[f[0] + (int(words[1]) * 1000 if Segment(f[2]).tcp and Segment(f[2]).sport == number[0] else 0), *f[1:]] for f in frames]
        return sorted(late, key=lambda f: f[0])
    if what == "nearer":
        return [[*f[:2], routed(f[2], int(words[1]) * (1 if Segment(f[2]).sport > Segment(f[2]).dport else -1))] if number[0] <= n <= number[1] else f
                for n, f in enumerate(frames, 1)]
    if what == "late":
        return frames[:number[0] - 1] + frames[number[0]:number[0] + int(words[1])] + [frames[number[0] - 1]] + frames[number[0] + int(words[1]):]
    if what == "snap":
        return [[f[0], f[1], f[2][:number[0]]] for f in frames]
    if what == "renumber":
        return renumber(frames, number[0])
    if what == "join":
        low, high = (int(w) for w in words[1].split("-")) if len(words) > 1 else (1, len(frames))
        return frames[:low - 1] + join(frames[low - 1:high], number[0]) + frames[high:]
    raise ValueError("`%s' is not understood" % " ".join([what, *words]))


def apply(path, edits):
    if edits:
        head, order, nano, frames = frames_read(path)
        for words in edits:
            frames = one(frames, words[0], words[1:])
        frames_write(path, head, order, nano, frames)
