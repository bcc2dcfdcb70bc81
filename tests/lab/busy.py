#!/usr/bin/python3
"""busy.py server|client ADDRESS - what else goes on: names are asked (port 53), files come down (port 80), none of it mail."""
import http.server
import random
import socket
import struct
import sys
import threading
import time
import urllib.request

FILE = bytes(range(256)) * 1200


class Files(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(FILE)))
        self.end_headers()
        self.wfile.write(FILE)

    def log_message(self, *_):
        pass


def names(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    while True:
        q, who = s.recvfrom(512)
        s.sendto(q[:2] + b"\x81\x80" + q[4:6] + q[4:6] + b"\0\0\0\0" + q[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address), who)


def ask(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    name = b"".join(bytes((len(l),)) + l for l in (b"mx%d" % random.randrange(100), b"example", b"net", b""))
    s.sendto(struct.pack("!6H", random.randrange(65536), 0x100, 1, 0, 0, 0) + name + b"\0\1\0\1", (address, 53))
    s.recv(512)


def serve(address):
    threading.Thread(target=names, args=(address,), daemon=True).start()
    with http.server.ThreadingHTTPServer((address, 80), Files) as web:
        print("ready", flush=True)
        web.serve_forever()


def work(address):
    print("ready", flush=True)
    while True:
        try:
            ask(address)
            with urllib.request.urlopen("http://%s/file" % address, timeout=10) as f:
                f.read()
        except OSError:
            pass
        time.sleep(random.uniform(.2, .8))


{"server": serve, "client": work}[sys.argv[1]](sys.argv[2])
