#!/usr/bin/env python3
"""scripts/lab: a network of its own, as root and as a user, that leaves nothing behind.

usage: scripts_lab.py LAB PROGRAM    exit status: 0 passed, 1 failed, 77 cannot run here (says why)
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

from lab import interfaces, need_root_and

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
SERVE = """rapport serve "$1" & sleep 0.2
for i in 1 2 3 4 5 6 7 8 9 10; do curl -fsS http://10.77.0.2/hello.txt && break; sleep 0.2; done
sleep 1000 & echo $! >"$2"; exit 7"""


def lab(place, *command, before=(), status=0):
    """Standard output of the command in a lab, and standard error."""
    environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": place, "HOME": place}
    done = subprocess.run([*before, LAB, *command], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, env=environment)
    assert done.returncode == status, f"{command}: status {done.returncode}, wanted {status}\n{done}"
    return done.stdout, done.stderr


def serves_and_leaves_nothing(place, before=()):
    here = interfaces()
    pid_file = os.path.join(place, "pid")
    out, _ = lab(place, "sh", "-c", SERVE, "sh", place, pid_file, before=before, status=7)
    assert "hello there\n" in out, out
    with open(pid_file) as f:
        pid = int(f.read())
    assert not os.path.exists(f"/proc/{pid}") or "Z" in open(f"/proc/{pid}/stat").read(), \
        "what was started in the lab still runs"
    assert interfaces() == here, f"{interfaces()}, before: {here}"
    assert not [n for n in os.listdir(place) if n.startswith("rapport-lab")]


def another_terminal_joins(place):
    assert "no lab is open" in lab(place, "--join", "true", status=1)[1]
    with subprocess.Popen([LAB, "sh", "-c", "ip link add joined type veth && sleep 20"],
                          env={**os.environ, "XDG_RUNTIME_DIR": place}) as first:
        try:
            end = time.monotonic() + 10
            while "joined" not in (out := subprocess.run(
                    [LAB, "--join", "ip", "-o", "link"], capture_output=True, text=True,
                    env={**os.environ, "XDG_RUNTIME_DIR": place}).stdout):
                assert time.monotonic() < end, out
                time.sleep(0.1)
        finally:
            first.terminate()


def a_user_is_told_what_is_missing(place):
    """A /dev/net/tun that nobody but root may open, and one that everybody may."""
    dev = tempfile.mkdtemp(dir=place)
    os.chmod(place, 0o777)
    world = ("unshare", "--mount", "sh", "-ec", f"""
mount -t tmpfs tmpfs {dev}
mknod -m "$0" {dev}/tun c 10 200
mount --bind {dev}/tun /dev/net/tun
exec "$@" """)
    _, text = lab(place, "true", before=(*world, "0600", *NOBODY), status=1)
    if "may not make a user namespace" in text:
        assert "sysctl" in text, text
        print("    this machine gives no user namespaces to users: said so")
        return
    assert "sudo chmod 666 /dev/net/tun" in text, text
    serves_and_leaves_nothing(place, before=(*world, "0666", *NOBODY))


def main():
    global LAB
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    need_root_and("ip", "curl", "unshare", "nsenter", "setpriv")
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="rapport-lab-test-") as place:
        # a tree of its own, which everybody may read: the script and the program where it looks
        os.chmod(place, 0o755)
        bin_folder = os.path.join(place, "tree", "build", "release", "bin")
        os.makedirs(bin_folder)
        os.makedirs(os.path.join(place, "tree", "scripts"))
        for name in ("lab", "common.sh"):
            shutil.copy(os.path.join(os.path.dirname(sys.argv[1]), name),
                        os.path.join(place, "tree", "scripts", name))
        shutil.copy(sys.argv[2], os.path.join(bin_folder, "rapport"))
        LAB = os.path.join(place, "tree", "scripts", "lab")
        with open(os.path.join(place, "hello.txt"), "w") as f:
            f.write("hello there\n")
        for test in (serves_and_leaves_nothing, another_terminal_joins,
                     a_user_is_told_what_is_missing):
            test(place)
            print(f"ok   {test.__name__}")


if __name__ == "__main__":
    main()
