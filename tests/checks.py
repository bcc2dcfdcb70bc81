#!/usr/bin/python3
"""checks.py MAILWHY - house.sh, golden.sh and coverage.py can fail.

Each is run on a small tree in which nothing is wrong, then on one with one
thing broken on purpose: it must fail, and say the words of the row.
"""
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STORY = "captures/stories/mtu-1454"

# what must be said; the file that is new; its text
HOUSE = [
    ("analyzer/record includes what it must not know", "analyzer/record/new.c", '#include "flow/table/table.h"\n'),
    ("analyzer/record includes what it must not know", "analyzer/record/new.c", '#include "analyzer/flow/table/table.h"\n'),
    ("analyzer/record includes what it must not know", "analyzer/record/new.c", '#include "../flow/table/table.h"\n'),
    ("analyzer/correlator/store includes what it must not know", "analyzer/correlator/store/new.h", '#include "correlator/rules/reply_say.h"\n'),
    ("dissectors/net includes what it must not know", "dissectors/net/new.c", '#include "dissectors/smtp/smtp.h"\n'),
    ("a chamber includes what stands before its doors", "analyzer/flow/table/new.c", '#include "flow/point.h"\n'),
    ("jansson outside its door", "analyzer/mail/new.c", "#include <jansson.h>\n"),
    ("a clock or chance in a pure room", "dissectors/smtp/new.c", "now = time(NULL);\n"),
    ("files that have outgrown a room", "analyzer/mail/new.c", "/* */\n" * 701),
    ("scripts that cannot be run as they are", "tests/new.py", "#!/usr/bin/python3\n"),
    ("tests/unit/new.c: 701 lines", "tests/unit/new.c", "\n" * 701),
    ("analyzer/flow/hall: what it may know is not said here", "analyzer/flow/hall/new.c", "\n"),
]
# what must be said; the file that is changed; how
GOLDEN = [
    ("the report differs", STORY + ".report", lambda text: text.replace("MTU", "MUT", 1)),
    ("FAIL README.md", "README.md", lambda text: text.replace("\n```text\n", "\n```text\nnobody says this\n", 1)),
    ("FAIL README.md", "README.md", lambda text: text.replace("```text", "```")),
]
RAN = "int %s(int x);\nint %s(int x) { if (x) return 1; return 0; }\n"
ROOMS = {"dissectors/net/ran_net.c": RAN, "analyzer/flow/ledger/ran_ledger.c": RAN, "analyzer/correlator/rules/ran_rules.c": RAN}
# what must be said; a file more; is it linked, too?
COVERAGE = [
    ("run by no test at all: idle.c", "analyzer/mail/idle.c", False),
    ("LOW, wanted", "analyzer/flow/table/idle.c", True),
    ("LOW, wanted", "analyzer/correlator/idle.c", True),
]


def run(*command):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.returncode, p.stdout.decode("utf-8", "replace")


def write(tree, path, text):
    path = os.path.join(tree, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def copy(tree, *paths):
    for path in paths:
        target = os.path.join(tree, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        (shutil.copytree if os.path.isdir(os.path.join(TOP, path)) else shutil.copy)(os.path.join(TOP, path), target)


def house(tree, _):
    """(what, exit status, output, words or None where all is well) for each."""
    copy(tree, "analyzer", "dissectors", "tests/house.sh")
    script = os.path.join(tree, "tests/house.sh")
    yield ("nothing wrong", *run(script), None)
    for words, path, text in HOUSE:
        made = write(tree, path, text)
        yield ("%s with %s" % (path, text[:40].strip()), *run(script), words)
        os.unlink(made)


def golden(tree, mailwhy):
    copy(tree, "README.md", "tests/golden.sh", STORY + ".report", STORY + ".pcap", STORY + ".scenario")
    script = os.path.join(tree, "tests/golden.sh")
    yield ("nothing wrong", *run(script, mailwhy), None)
    for words, path, change in GOLDEN:
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            text = f.read()
        write(tree, path, change(text))
        yield (path, *run(script, mailwhy), words)
        write(tree, path, text)
    write(tree, "captures/stories/new.pcap", "")
    yield ("a story without a report", *run(script, mailwhy), "new.pcap: no .report beside it")


def name_of(path):
    return os.path.basename(path)[:-len(".c")]


def counted(tree, files, linked):
    """A build of `files', counted, in which main() calls what ran_... has; its directory."""
    build = tempfile.mkdtemp(dir=tree)
    ran = [name_of(p) for p in files if name_of(p).startswith("ran_")]
    calls = "".join("int %s(int x);\n" % n for n in ran) + "int main(void) { return !(%s); }\n" % " && ".join("%s(1) && !%s(0)" % (n, n) for n in ran)
    objects = []
    for path, text in {**files, "tests/main.c": calls}.items():
        source = write(tree, path, text.replace("%s", name_of(path)))
        objects.append(os.path.join(build, os.path.basename(path) + ".o"))
        subprocess.run(["gcc", "-O0", "--coverage", "-c", source, "-o", objects[-1]], check=True, cwd=build)
    objects = [o for o in objects if linked or not o.endswith("/idle.c.o")]
    subprocess.run(["gcc", "--coverage", *objects, "-o", os.path.join(build, "all")], check=True, cwd=build)
    subprocess.run([os.path.join(build, "all")], check=True, cwd=build)
    return build


def coverage(tree, _):
    copy(tree, "tests/coverage.py")
    script = os.path.join(tree, "tests/coverage.py")
    yield ("all ran", *run(sys.executable, script, counted(tree, ROOMS, True)), None)
    for words, path, linked in COVERAGE:
        more = {path: RAN + "int never(int x);\nint never(int x) { return x; }\n" if linked else RAN}
        yield (path, *run(sys.executable, script, counted(tree, {**ROOMS, **more}, linked)), words)
        os.unlink(os.path.join(tree, path))


def main():
    mailwhy = os.path.abspath(sys.argv[1])
    passed = failed = 0
    for check in (house, golden, coverage):
        with tempfile.TemporaryDirectory() as tree:
            for what, status, out, words in check(os.path.realpath(tree), mailwhy):
                good = status == 0 if words is None else status != 0 and words in out
                passed += good
                failed += not good
                if not good:
                    print("FAIL %s: %s: exit status %d, %s: %s" % (
                        check.__name__, what, status, "all is well" if words is None else "`%s' is wanted" % words, out[-600:]))
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
