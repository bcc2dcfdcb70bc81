#!/usr/bin/env python3
"""bench.py BUILDDIR [--packets N] [--rounds N] [--peers] [--check RATIO]

CPU time (user + system) of the whole mailwhy pipeline as a ratio to the bare
libpcap loop over the same file: with libpcap's default stdio buffer, and with
the same 256 KiB buffer.  All programs run interleaved, round by round; the
figures are medians over the rounds, and the table names machine and versions.
--check fails when the mix costs more than RATIO times the loop with the same
buffer.
"""
import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

FILES = {
    "mix (5 % mail)": ["-m", "5", "-6", "20", "-v", "10"],
    "100 % mail": ["-m", "100", "-6", "20", "-v", "10", "-c", "500"],
    "small flows": ["-m", "5", "-6", "20", "-v", "10", "-z", "100", "-c", "20000"],
}


def cpu(args):
    """CPU seconds and peak resident kilobytes of one run."""
    with open(os.devnull, "w") as null:
        p = subprocess.Popen(args, stdout=null, stderr=null)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit("bench: %s: exit status %d" % (" ".join(args), p.returncode))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def version(args):
    try:
        out = subprocess.run(args, capture_output=True, text=True)
        return (out.stdout or out.stderr).splitlines()[0]
    except (OSError, IndexError):
        return "not installed"


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("build")
    ap.add_argument("--packets", type=int, default=300000)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--peers", action="store_true")
    ap.add_argument("--check", type=float)
    ap.add_argument("--only", default="")
    a = ap.parse_args()
    mailwhy = os.path.join(a.build, "mailwhy")
    tools = os.path.join(a.build, "tests/bench")
    print("machine: %s, %d cores; %s" % (platform.machine(), os.cpu_count(), version([mailwhy, "--version"])))
    failed = False
    with tempfile.TemporaryDirectory(prefix="mailwhy-bench-") as tmp:
        for name, options in FILES.items():
            if a.only and not name.startswith(a.only):
                continue
            path = os.path.join(tmp, "bench.pcap")
            subprocess.run([os.path.join(tools, "mkmix"), "-o", path, "-n", str(a.packets), *options], check=True)
            runs = {
                "libpcap loop, default buffer": [os.path.join(tools, "bareloop"), path],
                "libpcap loop, 256 KiB buffer": [os.path.join(tools, "bareloop"), "-b", "262144", path],
                "mailwhy": [mailwhy, "--no-progress", path],
            }
            if a.peers and shutil.which("tshark"):
                runs["tshark -Y smtp"] = ["tshark", "-n", "-r", path, "-Y", "smtp"]
            if a.peers and shutil.which("tcpflow"):
                runs["tcpflow"] = ["tcpflow", "-r", path, "-o", os.path.join(tmp, "flows")]
            times = {k: [] for k in runs}
            rss = dict.fromkeys(runs, 0)
            for _ in range(a.rounds):
                for k, args in runs.items():
                    t, m = cpu(args)
                    times[k].append(t)
                    rss[k] = max(rss[k], m)
                    shutil.rmtree(os.path.join(tmp, "flows"), ignore_errors=True)
            med = {k: statistics.median(v) for k, v in times.items()}
            base, big = med["libpcap loop, default buffer"], med["libpcap loop, 256 KiB buffer"]
            print("\n%s: %d packets, %d MB, median of %d rounds" %
                  (name, a.packets, os.path.getsize(path) // 1000000, a.rounds))
            print("%-30s %9s %12s %12s %9s" % ("", "CPU ms", "x default", "x 256 KiB", "RSS MiB"))
            for k in runs:
                print("%-30s %9.1f %12.2f %12.2f %9.1f" % (k, med[k] * 1000, med[k] / base, med[k] / big, rss[k] / 1024))
            if a.check and name.startswith("mix") and med["mailwhy"] > a.check * big:
                print("FAIL: mailwhy costs %.2f times the loop with the same buffer, more than %.2f"
                      % (med["mailwhy"] / big, a.check))
                failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
