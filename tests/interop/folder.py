"""The folder that is served: files with known sums, made once and shared by all tests of a run, also
by those that run beside each other in processes of their own."""

import fcntl
import hashlib
import os
import random

MIB = 1 << 20
SMALL, MIDDLE = 65536, 32 * MIB


class Site:
    def __init__(self, folder):
        self.notes = os.path.join(folder, "notes")  # of what is made later, and by whom first
        self.folder = os.path.join(folder, "site")
        self.captures = os.path.join(folder, "captures")
        os.makedirs(self.notes)
        os.makedirs(self.captures)
        os.makedirs(os.path.join(self.folder, "sub"))
        self.outside = os.path.join(folder, "secret.txt")
        self.sums, self.sizes, self.sockets = {}, {}, 0
        octets = random.Random(9293)
        self.write("index.html", [b"<h1>hello</h1>\n"])
        self.write("sub/index.html", [b"<h1>below</h1>\n"])
        self.write("empty.txt", [])
        self.write("small.bin", [octets.randbytes(SMALL)])
        self.write("middle.bin", (octets.randbytes(MIB) for _ in range(MIDDLE // MIB)))
        with open(self.outside, "w") as f:
            f.write("nobody may read this\n")
        os.symlink(self.outside, os.path.join(self.folder, "way-out"))
        os.symlink("index.html", os.path.join(self.folder, "way-in"))

    def write(self, name, pieces):
        digest, size = hashlib.sha256(), 0
        with open(os.path.join(self.folder, name), "wb") as f:
            for piece in pieces:
                f.write(piece)
                digest.update(piece)
                size += len(piece)
        self.sums[name], self.sizes[name] = digest.hexdigest(), size

    def path(self, name):
        return os.path.join(self.folder, name)

    def socket(self):
        """A path for a Unix socket that nobody else has."""
        self.sockets += 1
        return f"{self.notes}/{os.getpid()}-{self.sockets}.socket"

    def capture(self, test):
        """The beginning of the names of a test's captures."""
        return os.path.join(self.captures, test)

    def big(self, mib):
        """The name of a file of so many MiB. Whoever asks for it first makes it: another process
        that made it once more would cut short what a server is sending to somebody."""
        name = f"big-{mib}.bin"
        if name not in self.sums:
            note = os.path.join(self.notes, name)
            with open(note, "a+") as known:
                fcntl.flock(known, fcntl.LOCK_EX)
                known.seek(0)
                digest = known.read()
                if not digest:
                    octets = random.Random(mib)
                    self.write(name, (octets.randbytes(MIB) for _ in range(mib)))
                    known.write(self.sums[name])
                self.sums[name] = digest or self.sums[name]
                self.sizes[name] = mib * MIB
        return name
