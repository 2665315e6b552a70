"""What tshark says about pcapng files, packet by packet, with every checksum verified."""

import collections
import os
import subprocess

from lab import expect, run

OURS = ("10.77.0.2", "fd00:77::2")


def tshark(path, fields):
    # What TCP and UDP carry is no business of ours: tshark takes random octets for bad packets of
    # whoever usually has that port, slowly.
    command = ["tshark", "-n", "-r", path, "-o", "tcp.desegment_tcp_streams:FALSE",
               "-d", "tcp.port==1-65535,data", "-d", "udp.port==1-65535,data"]
    for protocol in ("ip", "tcp", "udp"):
        command += ["-o", f"{protocol}.check_checksum:TRUE"]
    command += ["-T", "fields"]
    for field in fields:
        command += ["-e", field]
    return command


class Capture:
    CHECKSUMS = ("ip.checksum.status", "tcp.checksum.status", "icmp.checksum.status",
                 "icmpv6.checksum.status", "udp.checksum.status")
    REPEATS = ("tcp.analysis.retransmission", "tcp.analysis.fast_retransmission",
               "tcp.analysis.spurious_retransmission", "tcp.analysis.out_of_order",
               "tcp.analysis.lost_segment", "tcp.analysis.duplicate_ack",
               "tcp.analysis.zero_window")
    FIELDS = (*CHECKSUMS, *REPEATS, "_ws.malformed", "tcp.checksum", "ip.src", "ipv6.src",
              "tcp.flags", "frame.len", "icmp.type", "icmpv6.type", "tcp.option_kind")
    BAD = "0"  # of a checksum's status; 1 is good

    def __init__(self, path):
        done = run(*tshark(path, self.FIELDS), timeout=180)
        self.rows = [dict(zip(self.FIELDS, line.split("\t"))) for line in done.stdout.splitlines()]

    def count(self, field, value=None):
        return sum(1 for r in self.rows if r.get(field) and value in (None, r[field]))

    @staticmethod
    def is_minus_zero(row):
        """One segment in 65,536 whose sum is zero leaves Linux as ffff (as RFC 768 asks of UDP),
        which tshark calls bad: in ones complement both are zero. Any kernel's may, be it the host's
        or one behind it; ours must be 0000 (RFC 1624)."""
        sources = {row.get("ip.src"), row.get("ipv6.src")}
        return row.get("tcp.checksum") == "0xffff" and sources.isdisjoint(OURS)

    @staticmethod
    def quotes(row):
        """An ICMP error: it quotes a part of a packet, whose sums nobody can verify."""
        return (row.get("icmp.type") or "").split(",")[0] in ("3", "11", "12") or \
            row.get("icmpv6.type") in ("1", "2", "3", "4")

    @classmethod
    def is_bad(cls, row):
        """A checksum is wrong."""
        return not cls.is_minus_zero(row) and any(
            cls.BAD in (row.get(f) or "").split(",") for f in cls.CHECKSUMS)

    def faults(self):
        whole = [r for r in self.rows if not self.quotes(r)]
        bad = [r for r in whole if self.is_bad(r)]
        for r in bad[:3]:  # an assertion that fails shows the number only
            print(f"    bad checksum: { {k: v for k, v in r.items() if v} }")
        return {"bad checksums": len(bad), "malformed": sum(bool(r["_ws.malformed"]) for r in whole)}

    def repeats(self):
        return {f.removeprefix("tcp.analysis."): n for f in self.REPEATS if (n := self.count(f))}

    def is_sound(self, at_least=1):
        """No malformed packet and no bad checksum among at least so many TCP segments."""
        expect("faults", self.faults(), {"bad checksums": 0, "malformed": 0})
        good = self.count("tcp.checksum.status", "1")
        assert good >= at_least, f"only {good} segments in the capture"
        return good

    def is_clean(self, at_least=1, but=()):
        """That, and nothing that only loss or a bad sender explains."""
        good = self.is_sound(at_least)
        expect("repeats", {k: v for k, v in self.repeats().items() if k not in but}, {})
        return good


def unsound(folder):
    """({name: what is wrong}, files, TCP segments) of all captures of a folder together: tshark takes
    a second to begin. The interface tells from which file a packet is, whose name is a test's."""
    files = sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".pcapng"))
    files = [path for path in files if os.path.getsize(path) > 0]
    if not files:
        return {}, 0, 0
    merged = os.path.join(folder, "merged")
    run("mergecap", "-a", "-I", "none", "-F", "pcapng", "-w", merged, *files, timeout=180)
    fields = ("frame.interface_id", *Capture.CHECKSUMS, "_ws.malformed", "tcp.checksum", "ip.src",
              "ipv6.src", "icmp.type", "icmpv6.type")
    wrong, segments = collections.defaultdict(list), 0
    with subprocess.Popen(tshark(merged, fields), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as reader:
        for line in reader.stdout:
            row = dict(zip(fields, line.rstrip("\n").split("\t")))
            segments += row["tcp.checksum.status"] == "1"
            if not Capture.quotes(row) and (Capture.is_bad(row) or row["_ws.malformed"]):
                name = os.path.basename(files[int(row["frame.interface_id"])]).split(".")[0]
                wrong[name].append(f"    {({k: v for k, v in row.items() if v})}")
    os.remove(merged)
    assert reader.returncode == 0, f"tshark ended with {reader.returncode}"
    return {name: "\n".join([f"AssertionError: {len(rows)} bad packets in its captures",
                             *rows[:3]]) for name, rows in wrong.items()}, len(files), segments
