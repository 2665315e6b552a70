// SYN-SENT: what may come back for our SYN (RFC 9293 3.10.7.3). The order is ACK, RST, SYN.
#include "scenario.hh"

namespace rapport::scenario {

namespace {

constexpr Seq kSomeSeq{0x13572468};

// That a segment has changed nothing: the true answer still opens the connection.
void still_opens(Peer& t) {
  t.is(State::SynSent).is_told_nothing();
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::Established).is_told(What::Connected);
}

Seg syn_ack(const Peer& t) {
  return t.syn_of_peer().ack(t.iss + 1_B);
}

}  // namespace

SCENARIO_TEST("SYN-SENT: an ACK at or below ISS is reset, SYN or not [SA-SYNSENT-01, U-8]") {
  auto t = peer::in_syn_sent();
  t.hears(ack(t.iss).seq(kSomeSeq)).says(rst().seq(t.iss));
  t.hears(ack(t.iss - 1000_B).seq(kSomeSeq)).says(rst().seq(t.iss - 1000_B));
  t.hears(t.syn_of_peer().ack(t.iss)).says(rst().seq(t.iss));
  still_opens(t);
}

SCENARIO_TEST("SYN-SENT: an ACK of more than we sent is reset, SYN or not [SA-SYNSENT-02, U-8]") {
  auto t = peer::in_syn_sent();
  t.hears(ack(t.iss + 2_B).seq(kSomeSeq)).says(rst().seq(t.iss + 2_B));
  t.hears(data(10_B).ack(t.iss + 1000_B).seq(kSomeSeq)).says(rst().seq(t.iss + 1000_B));
  t.hears(t.syn_of_peer().ack(t.iss + 2_B)).says(rst().seq(t.iss + 2_B));
  still_opens(t);
}

SCENARIO_TEST("SYN-SENT: a reset with an unacceptable ACK is dropped [SA-SYNSENT-03, U-11]") {
  auto t = peer::in_syn_sent();
  t.hears(rst().seq(kSomeSeq).ack(t.iss)).says_nothing();
  t.hears(rst().seq(kSomeSeq).ack(t.iss + 2_B)).says_nothing();
  t.hears(rst().seq(Seq{0}).ack(t.iss).syn()).says_nothing();
  still_opens(t);
}

SCENARIO_TEST("SYN-SENT: a reset that acknowledges our SYN is a refusal [SA-SYNSENT-04, U-11]") {
  auto t = peer::in_syn_sent();
  t.hears(rst().seq(Seq{0}).ack(t.iss + 1_B)).says_nothing();
  t.is_told_ended(CloseReason::Refused).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-SENT: a reset without ACK is ignored [SA-SYNSENT-05, U-11]") {
  auto t = peer::in_syn_sent();
  t.hears(rst().seq(Seq{0})).says_nothing();
  t.hears(rst().seq(kSomeSeq).syn()).says_nothing();
  still_opens(t);
}

SCENARIO_TEST(
    "SYN-SENT: the sequence number of a reset does not matter, its ACK does "
    "[SA-SYNSENT-06]") {
  auto t = peer::in_syn_sent();
  t.hears(rst().seq(kSomeSeq).ack(t.iss + 1_B)).says_nothing();
  t.is_told_ended(CloseReason::Refused).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-SENT: SYN,ACK establishes and is acknowledged [SA-SYNSENT-09]") {
  auto t = peer::in_syn_sent();
  t.hears(syn_ack(t).win(300)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::Established).is_told(What::Connected);
  const auto s = t.calls_status();
  t.holds(s.irs == t.irs && s.rcv_nxt == t.irs + 1_B, "IRS and RCV.NXT are set");
  t.holds(s.snd_una == t.iss + 1_B && s.snd_nxt == t.iss + 1_B, "our SYN is acknowledged");
  t.holds(s.snd_wnd == 300_B, "the window of a SYN is taken as it stands");
  // WL1 and WL2 are set too: a segment at SEQ = RCV.NXT with the same ACK updates the window.
  t.hears(ack(t.iss + 1_B).seq(t.irs + 1_B).win(t.window_field(1024))).says_nothing();
  t.holds(t.calls_status().snd_wnd == 1024_B, "the window is updated");
}

// Our SYN never carries text: what was given to SEND waits for the handshake.
SCENARIO_TEST("SYN-SENT: text given before is sent when SYN,ACK has come [SA-SYNSENT-10]") {
  auto t = peer::in_syn_sent();
  t.calls_send(100_B).says_nothing();
  t.after(1_s).says(syn().seq(t.iss).text(0_B));
  t.hears(syn_ack(t)).says(data(100_B).seq(t.iss + 1_B).ack(t.irs + 1_B));
  t.is(State::Established);
  t.hears(ack(t.iss + 101_B)).says_nothing();
  t.holds(t.calls_status().snd_una == t.iss + 101_B, "it is acknowledged");
}

// An ACK of part of that text acknowledges what was never sent: row 02.
SCENARIO_TEST(
    "SYN-SENT: SYN,ACK cannot acknowledge text that was not sent with the SYN "
    "[SA-SYNSENT-11]") {
  auto t = peer::in_syn_sent();
  t.calls_send(100_B).says_nothing();
  t.hears(t.syn_of_peer().ack(t.iss + 51_B)).says(rst().seq(t.iss + 51_B));
  t.is(State::SynSent);
  t.hears(syn_ack(t)).says(data(100_B).seq(t.iss + 1_B).ack(t.irs + 1_B));
  t.is(State::Established);
}

SCENARIO_TEST(
    "SYN-SENT: text that comes with SYN,ACK is taken, one ACK covers both "
    "[SA-SYNSENT-12]") {
  auto t = peer::in_syn_sent();
  t.hears(syn_ack(t).text(100_B)).says(ack(t.irs + 101_B).seq(t.iss + 1_B)).says_nothing();
  t.is(State::Established).is_told(What::Readable).calls_receive(100_B);
}

SCENARIO_TEST(
    "SYN-SENT: SYN,ACK,FIN leads to CLOSE-WAIT by way of ESTABLISHED "
    "[SA-SYNSENT-13]") {
  auto t = peer::in_syn_sent();
  t.hears(syn_ack(t).fin()).says(ack(t.irs + 2_B).seq(t.iss + 1_B));
  t.is(State::CloseWait).is_told(What::Connected).is_told(What::PeerFinished);
  t.calls_receive(Error::Closing);
}

SCENARIO_TEST(
    "SYN-SENT: SYN,ACK,FIN with text: the text is read before the end "
    "[SA-SYNSENT-13]") {
  auto t = peer::in_syn_sent();
  t.hears(syn_ack(t).text(10_B).fin()).says(ack(t.irs + 12_B).seq(t.iss + 1_B));
  t.is(State::CloseWait).calls_receive(10_B).calls_receive(Error::Closing);
}

SCENARIO_TEST("SYN-SENT: the urgent pointer of SYN,ACK is noted [SA-SYNSENT-14]") {
  auto t = peer::in_syn_sent();
  t.hears(syn_ack(t).urg(20)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::Established).is_told(What::Urgent);
}

SCENARIO_TEST(
    "SYN-SENT: SYN,ACK with a window of zero: queued text waits for a probe "
    "[SA-SYNSENT-15]") {
  auto t = peer::in_syn_sent({.window = 0});
  t.calls_send(100_B).says_nothing();
  t.hears(syn_ack(t)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::Established).says_nothing();
  t.after_next_timer().says(window_probe(t));
  t.hears(ack(t.iss + 1_B)).says_nothing();
  t.window_of_peer(1024);
  t.hears(ack(t.iss + 1_B)).says(data(100_B).seq(t.iss + 1_B));
}

SCENARIO_TEST(
    "SYN-SENT: a SYN crossing ours: SYN,ACK with the same ISS "
    "[SA-SYNSENT-16, MUST-10]") {
  auto t = peer::in_syn_sent();
  t.hears(t.syn_of_peer()).says(syn().seq(t.iss).ack(t.irs + 1_B));
  t.is(State::SynReceived).is_told_nothing();
  const auto s = t.calls_status();
  t.holds(!s.passive && s.irs == t.irs && s.rcv_nxt == t.irs + 1_B, "the origin is active");
  t.holds(s.snd_wnd == 65408_B, "SND.WND is set");
  t.hears(ack(t.iss + 1_B)).says_nothing();
  t.is(State::Established).is_told(What::Connected);
}

SCENARIO_TEST(
    "SYN-SENT: of a crossing SYN with text or FIN only the SYN is acknowledged "
    "[SA-SYNSENT-17]") {
  auto t = peer::in_syn_sent();
  t.hears(t.syn_of_peer().text(10_B).fin()).says(syn().seq(t.iss).ack(t.irs + 1_B));
  t.is(State::SynReceived);
  t.hears(ack(t.iss + 1_B).seq(t.irs + 1_B)).says_nothing();  // choice 16: not kept …
  t.is(State::Established);
  t.hears(data(10_B).fin().seq(t.irs + 1_B)).says(ack(t.irs + 12_B));  // … but sent again
  t.is(State::CloseWait).calls_receive(10_B);
}

SCENARIO_TEST(
    "SYN-SENT: our own SYN that comes back opens a connection to ourselves [SA-SYNSENT-18]") {
  auto t = peer::in_closed();
  t.remote = t.local;
  t.calls_connect().says(syn()).hears_echo();
  t.irs = t.iss;
  t.says(syn().seq(t.iss).ack(t.iss + 1_B)).is(State::SynReceived);
  t.hears_echo().says_nothing();
  t.is(State::Established).is_told(What::Connected);
  t.calls_send(10_B).says(data(10_B).seq(t.iss + 1_B).ack(t.iss + 1_B)).hears_echo();
  t.says(ack(t.iss + 11_B).seq(t.iss + 11_B)).hears_echo().says_nothing();
  t.is_told(What::Readable).calls_receive(10_B);
  t.calls_shutdown_write().says(fin().seq(t.iss + 11_B)).hears_echo();
  t.says(ack(t.iss + 12_B).seq(t.iss + 12_B)).hears_echo().says_nothing();
  t.is(State::TimeWait).after(2 * msl).is_gone();
}

SCENARIO_TEST(
    "SYN-SENT: an ACK without SYN is dropped and our SYN's timer runs on "
    "[SA-SYNSENT-19]") {
  auto t = peer::in_syn_sent();
  t.after(300_ms);
  t.hears(ack(t.iss + 1_B).seq(kSomeSeq)).says_nothing();
  t.hears(data(10_B).ack(t.iss + 1_B).seq(kSomeSeq)).says_nothing();
  t.hears(fin().ack(t.iss + 1_B).seq(kSomeSeq)).says_nothing();
  t.is(State::SynSent);
  t.after(700_ms - 1_ms).says_nothing();
  t.after(1_ms).says(syn().seq(t.iss));
  still_opens(t);
}

SCENARIO_TEST(
    "SYN-SENT: the challenge of a half-open peer is reset, then our SYN wins "
    "[SA-SYNSENT-20, U-13]") {
  auto t = peer::in_syn_sent();
  const Seq old = t.iss - 5'000'000_B;
  t.hears(ack(old).seq(kSomeSeq)).says(rst().seq(old));
  t.is(State::SynSent);
  t.after(1_s).says(syn().seq(t.iss));
  still_opens(t);
}

SCENARIO_TEST("SYN-SENT: neither SYN, RST nor ACK: dropped [SA-SYNSENT-21, U-34]") {
  auto t = peer::in_syn_sent();
  t.hears(data(10_B).no_ack().seq(kSomeSeq)).says_nothing();
  t.hears(fin().no_ack().seq(kSomeSeq)).says_nothing();
  t.hears(none().seq(kSomeSeq)).says_nothing();
  still_opens(t);
}

SCENARIO_TEST(
    "SYN-SENT: options that SYN,ACK does not carry are off both ways "
    "[SA-SYNSENT-22, R7323-1]") {
  auto t = peer::in_syn_sent({.mss = uint16_t{0},
                              .window_scale = false,
                              .sack = false,
                              .timestamps = false,
                              .window = 1000});
  t.holds(t.heard().options.has_window_scale && t.heard().options.sack_permitted
              && t.heard().options.has_timestamps,
          "our SYN offers them all");
  t.hears(syn_ack(t)).says(ack(t.irs + 1_B).no_ts());
  const auto s = t.calls_status();
  t.holds(!s.window_scaling && !s.sack && !s.timestamps, "none is agreed");
  t.holds(s.mss == unsaid_mss(), "the MSS is 536 or 1220 where none was said");
  t.calls_send(2000_B);
  t.says(data(std::min(1000_B, ByteCount{unsaid_mss()})).seq(t.iss + 1_B).no_ts());
  t.may_have_said_anything();
  t.holds(t.snd_nxt() - (t.iss + 1_B) <= 1000_B, "the window is not scaled");
  t.hears(data(10_B).seq(t.irs + 11_B).ack(t.iss + 1_B)).says(ack(t.irs + 1_B).no_sack());
  t.holds(t.heard().window == 65535, "our own window is not scaled");
}

SCENARIO_TEST("SYN-SENT: RST outranks SYN,ACK in the same segment [SA-SYNSENT-23]") {
  auto t = peer::in_syn_sent();
  t.hears(syn_ack(t).rst()).says_nothing();
  t.is_told_ended(CloseReason::Refused).is_gone().and_pools_are_empty();
}

SCENARIO_TEST(
    "SYN-SENT: SYN,ACK that echoes a timestamp that we never sent is not taken "
    "[SA-SYNSENT-24]") {
  auto t = peer::in_syn_sent({.timestamps = true});
  const uint32_t ours = t.tsval_of_stack();
  t.hears(syn_ack(t).ts(t.tsval_now(), ours - 1000)).says(rst().seq(t.iss + 1_B));
  t.hears(syn_ack(t).ts(t.tsval_now(), ours + 1)).says(rst().seq(t.iss + 1_B));
  t.is(State::SynSent).after(1_s).says(syn().seq(t.iss));
  // Both the first and the second SYN may be meant.
  t.hears(syn_ack(t).ts(t.tsval_now(), ours)).says(ack(t.irs + 1_B));
  t.is(State::Established);
}

SCENARIO_TEST(
    "SYN-SENT: the SYN is sent again, the same, at doubling intervals "
    "[SA-SYNSENT-27]") {
  auto t = peer::in_syn_sent();
  for (Duration rto = 1_s; rto <= 32_s; rto = rto * 2) {
    t.after(rto - 1_ms).says_nothing();
    t.after(1_ms).says(syn().seq(t.iss)).is(State::SynSent);
  }
  t.hears(syn_ack(t)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::Established);
}

SCENARIO_TEST(
    "SYN-SENT: after 180 s and not before it gives up and says so "
    "[SA-SYNSENT-28, MUST-23]") {
  auto t = peer::in_syn_sent();
  t.after(180_s - 1_ms).may_have_said_anything().is(State::SynSent).is_not_told(What::Ended);
  t.after(1_ms).says_nothing();
  t.is_told_ended(CloseReason::HandshakeTimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-SENT: the user timeout may be shorter [SA-SYNSENT-28]") {
  auto t = peer::in_syn_sent({.options = [](tcp::ConnectionOptions& o) { o.user_timeout = 5_s; }});
  t.after(5_s - 1_ms).may_have_said_anything().is(State::SynSent);
  t.after(1_ms).says_nothing();
  t.is_told_ended(CloseReason::UserTimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-SENT: an ACK counts from ISS+1 to SND.NXT, no more and no less [U-38]") {
  for (const auto& [number, taken] :
       {std::pair{0x80000001_B, false}, std::pair{0xffffffff_B, false}, std::pair{0_B, false},
        std::pair{1_B, true}, std::pair{2_B, false}, std::pair{0x7fffffff_B, false}}) {
    auto t = peer::in_syn_sent();
    const Seq ack_number = t.iss + number;
    t.hears(t.syn_of_peer().ack(ack_number));
    if (taken) {
      t.says(ack(t.irs + 1_B).seq(t.iss + 1_B)).is(State::Established);
    } else {
      t.says(rst().seq(ack_number)).is(State::SynSent);
    }
  }
}

}  // namespace rapport::scenario
