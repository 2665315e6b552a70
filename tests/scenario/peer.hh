// Peer: a Stack under test and the other end of its connection, played by hand in virtual time. The
// test is the peer's voice: it `hears` what the stack is sent, `says` what the stack must answer.
// Strict: whatever the stack says must be expected before the next thing happens to it, a step that
// fails prints the whole story. Only the public API of stack::Stack is used. The numbers snd_nxt(),
// rcv_nxt() and rcv_wnd() are what the stack has shown on the wire, never its insides.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/tcp.hh"
#include "words.hh"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <vector>

namespace rapport::scenario {

using tcp::State;
using tcp::What;
using At = std::source_location;

// How a story begins. What stays unset is the dressing's (registry.hh).
struct With {
  std::optional<uint16_t> mss{};       // the peer's; 0: not offered
  std::optional<bool> window_scale{};  // offered with shift 7
  std::optional<bool> sack{}, timestamps{};
  uint32_t window = 65408;            // octets the peer can take; 0 closes it from the start
  bool passive = false;               // states that both ways lead to: we had listened
  uint32_t backlog = 128;             // of our LISTEN
  bool listens_to_peer_only = false;  // a fully specified passive OPEN
  bool unaccepted = false;            // with passive: nobody has called ACCEPT
  bool full_close = false;            // our CLOSE is for good; else of the sending side only
  bool window_closed = false;         // RCV.WND = 0: see starts.hh
  std::function<void(stack::Config&)> config{};            // changes what the stack is told
  std::function<void(tcp::ConnectionOptions&)> options{};  // the same for Config::defaults
};

class Peer {
 public:
  explicit Peer(const With& with);
  Peer(Peer&&) noexcept;
  Peer& operator=(Peer&&) = delete;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  // --- the wire -------------------------------------------------------------------------------
  // Left out: seq is rcv_nxt(), ack is snd_nxt(), window what `With` says, ports and addresses the
  // connection's, timestamps (once agreed, not on RST) those of now.
  Peer& hears(const Seg& s, At at = At::current());
  Peer& hears_burst(const std::vector<Seg>& all, At at = At::current());
  // The next segment, and no other, is like `s`. Text is compared with what was given to SEND.
  Peer& says(const Seg& s, At at = At::current());
  // The packet that hears() would feed, to be spoilt by the test, and packets fed as they are.
  [[nodiscard]] std::vector<uint8_t> packet_of(const Seg& s) const;
  Peer& hears_packets(const std::vector<std::vector<uint8_t>>& all, At at = At::current());
  // What the last says() matched comes back to the stack, octet by octet.
  Peer& hears_echo(At at = At::current());
  // A router tells of trouble with a segment that began at `quoted`, as the family says it. `mtu`
  // is told by PacketTooBig: that of IPv4 (IPv6: 20 more, so that the MSS comes to the same).
  Peer& hears_icmp(wire::IcmpKind kind, Seq quoted, uint32_t mtu = 0, At at = At::current());
  // The same about a flow that is not this story's: another remote port.
  Peer& hears_icmp_of_another(wire::IcmpKind kind, Seq quoted, uint32_t mtu, At at = At::current());
  Peer& says_nothing(At at = At::current());
  Peer& may_have_said_anything();  // forgets what was said
  [[nodiscard]] bool has_more_to_say() const;
  // What the last says() matched.
  [[nodiscard]] const wire::Segment& heard() const;
  [[nodiscard]] std::span<const uint8_t> heard_packet() const;  // from its IP header on

  struct IpFields {
    IpAddress source, destination;
    uint8_t ttl = 0, dscp = 0, ecn = 0;  // IPv6: hop limit
  };

  [[nodiscard]] const IpFields& heard_ip() const;
  // The peer's SYN with the options of `With`.
  [[nodiscard]] Seg syn_of_peer() const;

  // --- time -----------------------------------------------------------------------------------
  // Every timer that is due on the way fires at its own instant.
  Peer& after(Duration d, At at = At::current());
  // From timer to timer until the stack says something.
  Peer& after_next_timer(At at = At::current());
  [[nodiscard]] Instant now() const;
  [[nodiscard]] Duration until_next_timer() const;

  // --- the application ------------------------------------------------------------------------
  Peer& calls_listen(At at = At::current());
  Peer& calls_listen(const tcp::Listen& c, Error e, At at = At::current());
  Peer& calls_connect(At at = At::current());
  Peer& calls_connect(const tcp::Connect& c, Error e, At at = At::current());
  Peer& calls_accept(At at = At::current());
  Peer& calls_accept(Error e, At at = At::current());
  Peer& calls_send(ByteCount n, At at = At::current());  // all of it is taken
  Peer& calls_send(ByteCount n, Error e, At at = At::current());
  Peer& calls_send_urgent(ByteCount n, At at = At::current());
  Peer& calls_receive(ByteCount n, At at = At::current());  // exactly so much, content checked
  Peer& calls_receive(Error e, At at = At::current());
  // Without copies (peer_borrow.cc): text lent to the stack, which gives `token` back; text looked
  // at where it lies, exactly so much; the same by RECEIVE with peek; and taken away.
  Peer& calls_send_borrowed(ByteCount n, uint64_t token, At at = At::current());
  Peer& calls_send_borrowed(ByteCount n, uint64_t token, Error e, At at = At::current());
  Peer& finds_readable(ByteCount n, At at = At::current());
  Peer& calls_peek(ByteCount n, At at = At::current());
  Peer& calls_consume(ByteCount n, At at = At::current());
  Peer& calls_consume(ByteCount n, Error e, At at = At::current());
  // The tokens that the stack gave back since this was asked last are these, in this order.
  Peer& has_released(const std::vector<uint64_t>& tokens, At at = At::current());
  Peer& calls_shutdown_write(At at = At::current());
  Peer& calls_shutdown_write(Error e, At at = At::current());
  Peer& calls_close(At at = At::current());
  Peer& calls_close(Error e, At at = At::current());
  Peer& calls_abort(At at = At::current());
  Peer& calls_abort(Error e, At at = At::current());
  Peer& calls_close_listener(At at = At::current());
  tcp::Status calls_status(At at = At::current());
  Peer& calls_status(Error e, At at = At::current());
  Peer& calls_set_options(const tcp::ConnectionOptions& o, At at = At::current());

  // --- what must hold -------------------------------------------------------------------------
  Peer& is(State s, At at = At::current());
  Peer& is_gone(At at = At::current());  // nothing lives under the tuple, the handle is stale
  Peer& and_pools_are_empty(At at = At::current());  // closes the listener first
  // The event was told since the last is_told of it; events that nobody asks for do no harm.
  Peer& is_told(What w, At at = At::current());
  Peer& is_told_ended(CloseReason r, At at = At::current());
  Peer& is_not_told(What w, At at = At::current());
  Peer& is_told_nothing(At at = At::current());
  Peer& forgets_what_was_told();
  // The last hears() was counted as this drop, once.
  Peer& dropped_as(DropReason r, At at = At::current());
  // Any other condition of the story.
  Peer& holds(bool condition, const std::string& what, At at = At::current());

  // Until the second, the stack finds no frame to send in.
  Peer& takes_all_frames();
  Peer& gives_frames_back();
  // Fills the receive buffer, which nobody reads, until RCV.WND = `leave`.
  Peer& fills_our_window(ByteCount leave = 0_B, At at = At::current());

  // --- numbers --------------------------------------------------------------------------------
  Seq iss, irs;            // ours (the stack's) and the peer's; iss is known from our first SYN on
  Endpoint local, remote;  // ours and the peer's
  Handle handle, listener;
  [[nodiscard]] Seq snd_nxt() const;         // behind all that the stack has sent
  [[nodiscard]] Seq snd_una() const;         // what the peer has acknowledged; iss before that
  [[nodiscard]] Seq rcv_nxt() const;         // what the stack has acknowledged; irs before that
  [[nodiscard]] ByteCount rcv_wnd() const;   // what it has offered, in octets
  [[nodiscard]] uint32_t tsval_now() const;  // the peer's timestamp clock
  [[nodiscard]] uint32_t tsval_of_stack() const;  // the last that the stack has sent
  [[nodiscard]] bool timestamps_agreed() const;
  [[nodiscard]] bool sack_agreed() const;
  [[nodiscard]] ByteCount largest_text() const;  // of a full segment of the stack
  [[nodiscard]] const With& with() const;
  [[nodiscard]] stack::Stack& stack();
  // The field for a window of so many octets in a segment without SYN.
  [[nodiscard]] uint16_t window_field(uint32_t octets) const;
  void window_is_closed(bool closed);    // With::window_closed, once it holds
  void window_of_peer(uint32_t octets);  // from now on, where .win() is left out
  void tells(const std::string& step);   // adds a line to the story

 private:
  struct World;
  struct Said;
  void place_iss_near_wrap();
  [[nodiscard]] Seg filled_in(const Seg& s) const;
  [[nodiscard]] std::vector<uint8_t> text_of(const Seg& s) const;
  [[nodiscard]] std::string told_in_words(const Seg& s, std::span<const uint8_t> packet) const;
  void feeds(const std::vector<Seg>& all, At at);
  [[nodiscard]] Frame frame_of(const std::vector<uint8_t>& packet, At at);
  [[nodiscard]] std::vector<uint8_t> icmp_about(wire::IcmpKind kind, uint16_t port, Seq quoted,
                                                uint32_t mtu) const;
  void arrives(std::vector<Frame>& burst, At at);
  void collects(At at);
  void notes(Said& said, At at);
  void notes_acknowledged(const Seg& s);
  void notes_syn(const wire::Segment& s);
  [[nodiscard]] bool after_or_same(Seq ack) const;
  void checks_text(const wire::Segment& s, At at);
  void expires(At at);
  void outcome(const std::string& call, std::optional<Error> wanted, std::optional<Error> got,
               At at);
  void expects_silence(const char* before, At at);
  [[noreturn]] void fails(const std::string& what, At at) const;
  [[nodiscard]] std::string story() const;

  std::unique_ptr<World> w_;
};

}  // namespace rapport::scenario
