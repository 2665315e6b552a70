"""What tshark says about a pcapng file, packet by packet, with every checksum verified."""

from lab import expect, run

OURS = ("10.77.0.2", "fd00:77::2")


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
        # What TCP carries is no business of ours: tshark takes random octets for bad HTTP, slowly.
        command = ["tshark", "-n", "-r", path, "-o", "tcp.desegment_tcp_streams:FALSE",
                   "--disable-protocol", "http", "--disable-protocol", "tls"]
        for protocol in ("ip", "tcp", "udp"):
            command += ["-o", f"{protocol}.check_checksum:TRUE"]
        command += ["-T", "fields"]
        for field in self.FIELDS:
            command += ["-e", field]
        done = run(*command, timeout=180)
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

    def faults(self):
        whole = [r for r in self.rows if not self.quotes(r)]
        bad = [r for r in whole if not self.is_minus_zero(r)
               for f in self.CHECKSUMS if self.BAD in (r.get(f) or "").split(",")]
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
