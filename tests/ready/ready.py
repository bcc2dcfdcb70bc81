"""ready.py - runs a command of a build often, and loads it once.

run() is subprocess.run() with captured output.  The command waits, loaded, at
the door of main() (ready.c) and forks for each request: a tenth of the time of
a start, most of what these tests ask for.  The children share the addresses of
one start: who looks for what depends on them, or on being started at all, uses
subprocess.  Without the library beside the build each run is a start.
"""
import atexit
import fcntl
import functools
import os
import queue
import signal
import socket
import struct
import subprocess

ROOM = 60000    # of one request (ready.c)
NULL = os.open(os.devnull, os.O_RDWR)


def library_of(binary):
    """libready.so of the build that the command belongs to, or None."""
    top = os.path.dirname(os.path.abspath(binary))
    for _ in range(3):
        path = os.path.join(top, "tests/ready/libready.so")
        if os.path.exists(path):
            return path
        top = os.path.dirname(top)
    return None


@functools.lru_cache(None)
def asan_runtime(binary):
    """The ASan runtime that a gcc-built command needs before all that is preloaded; None when it is not built so."""
    out = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout
    return next((l.split()[2] for l in out.splitlines() if "libasan" in l), None)


class Waiting:
    """One process that waits to be asked."""

    def __init__(self, binary, library, preload, env):
        self.socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        libraries = [x for x in (asan_runtime(binary), *preload, library) if x]
        self.process = subprocess.Popen([binary], stdin=NULL, pass_fds=[its.fileno()], start_new_session=True,
                                        env={**(os.environ if env is None else env), "LD_PRELOAD": " ".join(libraries), "READY_FD": str(its.fileno())})
        its.close()
        atexit.register(self.end)

    def ask(self, request, files, timeout):
        self.socket.settimeout(timeout)
        socket.send_fds(self.socket, [request], files)
        return os.waitstatus_to_exitcode(struct.unpack("i", self.socket.recv(4))[0])

    def end(self):
        """At the end nobody asks any more, and it goes by itself."""
        self.socket.close()
        self.process.wait()

    def kill(self):
        """With its child, that does not end."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.end()


def filled_pipe(data):
    """The end of a pipe that gives `data', or None: it does not hold so much."""
    r, w = os.pipe()
    try:
        if len(data) > 65536:
            fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, len(data))
        os.set_blocking(w, False)
        if os.write(w, data) == len(data):
            return r
    except OSError:
        pass
    finally:
        os.close(w)
    os.close(r)
    return None


def content(fd):
    with open(fd, "rb") as f:
        f.seek(0)
        return f.read()


class Command:
    """A command and those of it that wait: as many as are asked at the same time."""

    def __init__(self, binary, preload=(), env=None):
        self.binary, self.preload, self.env = binary, [p for p in preload if p], env
        self.library, self.idle = library_of(binary), queue.LifoQueue()

    def waiting(self):
        try:
            return self.idle.get_nowait()
        except queue.Empty:
            return Waiting(self.binary, self.library, self.preload, self.env)

    def start(self, args, data, timeout, more):
        env = {**(os.environ if self.env is None else self.env), **more}
        if self.preload:
            env["LD_PRELOAD"] = " ".join(x for x in (asan_runtime(self.binary), *self.preload) if x)
        return subprocess.run([self.binary, *args], input=data, stdin=subprocess.DEVNULL if data is None else None,
                              capture_output=True, timeout=timeout, env=env)

    def run(self, args, input=None, timeout=120, **more):
        """`more': settings of the environment, for this run."""
        request = "".join("%s=%s\0" % x for x in more.items()).encode() + b"\0" + b"".join(os.fsencode(a) + b"\0" for a in args)
        given = NULL if input is None else filled_pipe(input) if self.library else None
        if self.library is None or given is None or len(request) > ROOM:
            return self.start(args, input, timeout, more)
        waiting, out, err = self.waiting(), os.memfd_create("out"), os.memfd_create("err")
        try:
            status = waiting.ask(request, [given, out, err], timeout)
        except TimeoutError:
            waiting.kill()
            raise subprocess.TimeoutExpired([self.binary, *args], timeout) from None
        finally:
            if given != NULL:
                os.close(given)
        self.idle.put(waiting)
        return subprocess.CompletedProcess([self.binary, *args], status, content(out), content(err))


@functools.lru_cache(None)
def command_of(binary, leaks):
    return Command(binary, (), None if leaks else {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})


def run(command, input=None, timeout=120, leaks=True):
    """`leaks': a sanitizer looks for them, at the end; that takes longer than all the rest of a short run."""
    return command_of(command[0], leaks).run(command[1:], input, timeout)
