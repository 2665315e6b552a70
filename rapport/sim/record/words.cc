// Questions and answers in words.
#include "rapport/sim/record/words.hh"

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/sim/record/get.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/stack/recording.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/udp/commands.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace rapport::sim {

namespace {

std::string counted(uint64_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

// Slot and generation.
std::string of(Handle h) {
  constexpr uint32_t kListener = uint32_t{1} << 31;
  const bool listener = (h.index() & kListener) != 0;
  const uint32_t slot = h.index() & ~(kListener | udp::kSocketBit);
  return std::string(listener            ? "listener "
                     : udp::is_socket(h) ? "socket "
                                         : "connection ")
         + std::to_string(slot) + "." + std::to_string(h.generation());
}

std::string on(Handle h) {
  return " on " + of(h);
}

std::string hex(uint64_t v, int digits) {
  std::string out(static_cast<size_t>(digits), '0');
  for (size_t i = out.size(); i-- > 0; v >>= 4) out[i] = "0123456789abcdef"[v & 15];
  return out;
}

struct AskedWords {
  const ReadAsked& asked;

  std::string operator()(const stack::Receiving& r) const {
    uint64_t octets = 0;
    for (const auto& p : asked.packets) octets += p.octets.size();
    return "receive " + counted(asked.packets.size(), "packet") + ", " + counted(octets, "octet")
           + (r.interface == 0 ? "" : ", interface " + std::to_string(r.interface));
  }

  std::string operator()(const stack::Expiring& /*e*/) const { return "expire"; }

  std::string operator()(const stack::Draining& /*d*/) const { return "drain"; }

  std::string operator()(const stack::TakingFrame& /*t*/) const { return "take a frame"; }

  std::string operator()(const stack::TakingEvent& /*t*/) const { return "take an event"; }

  std::string operator()(const stack::Settling& /*s*/) const { return "settle"; }

  std::string operator()(const tcp::Connect& c) const {
    return "connect to " + to_string(c.remote);
  }

  std::string operator()(const tcp::Listen& c) const {
    return "listen on port " + std::to_string(c.port);
  }

  std::string operator()(const tcp::Accept& c) const { return "accept" + on(c.listener); }

  std::string operator()(const tcp::Send& c) const {
    return "send " + counted(c.bytes.size(), "octet") + on(c.connection);
  }

  std::string operator()(const tcp::SendBorrowed& c) const {
    return "send " + counted(c.bytes.size(), "borrowed octet") + on(c.connection);
  }

  std::string operator()(const tcp::Receive& c) const {
    return std::string(c.peek ? "look at" : "read") + " up to " + counted(asked.room, "octet")
           + on(c.connection);
  }

  std::string operator()(const tcp::Consume& c) const {
    return "consume " + counted(c.octets.v, "octet") + on(c.connection);
  }

  std::string operator()(const tcp::ShutdownWrite& c) const {
    return "shutdown" + on(c.connection);
  }

  std::string operator()(const tcp::Close& c) const { return "close" + on(c.connection); }

  std::string operator()(const tcp::Abort& c) const { return "abort" + on(c.connection); }

  std::string operator()(const tcp::CloseListener& c) const { return "close" + on(c.listener); }

  std::string operator()(const tcp::SetOptions& c) const { return "set options" + on(c.target); }

  std::string operator()(const tcp::SetBacklog& c) const {
    return "set the backlog to " + std::to_string(c.backlog) + on(c.listener);
  }

  std::string operator()(const tcp::GetStatus& c) const { return "status" + on(c.target); }

  std::string operator()(const udp::Open& c) const {
    return "open a socket at " + to_string(c.local);
  }

  std::string operator()(const udp::Connect& c) const {
    return "connect to " + to_string(c.remote) + on(c.socket);
  }

  std::string operator()(const udp::SendTo& c) const {
    return "send " + counted(c.text.size(), "octet") + on(c.socket);
  }

  std::string operator()(const udp::ReceiveFrom& c) const {
    return "read up to " + counted(asked.room, "octet") + on(c.socket);
  }

  std::string operator()(const udp::CloseSocket& c) const { return "close" + on(c.socket); }

  std::string operator()(const udp::SetOptions& c) const { return "set options" + on(c.socket); }

  std::string operator()(const udp::GetStatus& c) const { return "status" + on(c.socket); }
};

std::string frame_words(Get& get) {
  if (get.number(1) == 0) return "no frame";
  const auto interface = get.value<uint16_t>();
  const uint64_t octets = get.number();
  return "a frame of " + counted(octets, "octet") + ", checksum " + hex(get.fixed<uint32_t>(), 8)
         + (interface == 0 ? "" : ", interface " + std::to_string(interface));
}

std::string event_words(Get& get) {
  if (get.number(1) == 0) return "no event";
  const auto event = get.value<tcp::Occurrence>();
  std::string out = "event 0x" + hex(event.what, 4) + on(event.handle);
  if (event.reason != CloseReason::None) out += ", " + std::string(name(event.reason));
  return out;
}

std::string status_words(const tcp::Status& s) {
  return "status " + std::string(tcp::name(s.state)) + ", " + to_string(s.local) + " to "
         + to_string(s.remote) + ", cwnd " + std::to_string(s.cwnd);
}

// Of the result of kind `index`, which `get` has next.
std::string result_words(Get& get, size_t index) {
  using Result = stack::Answer::Result;
  constexpr auto place = []<class T>(std::in_place_type_t<T>) { return Result(T{}).index(); };
  if (index == place(std::in_place_type<std::monostate>)) return "done";
  if (index == place(std::in_place_type<Error>)) return std::string(name(get.value<Error>()));
  if (index == place(std::in_place_type<Handle>)) return of(get.value<Handle>());
  if (index == place(std::in_place_type<ByteCount>))
    return counted(get.value<ByteCount>().v, "octet");
  if (index == place(std::in_place_type<tcp::Status>))
    return status_words(get.value<tcp::Status>());
  if (index == place(std::in_place_type<udp::Received>)) {
    const auto r = get.value<udp::Received>();
    return counted(r.octets.v, "octet") + " from " + to_string(r.from);
  }
  if (index == place(std::in_place_type<udp::Status>)) {
    (void)get.value<udp::Status>();
    return "status of a socket";
  }
  if (index == place(std::in_place_type<stack::FrameTaken>)) return frame_words(get);
  if (index == place(std::in_place_type<stack::EventTaken>)) return event_words(get);
  return "an answer that makes no sense";
}

}  // namespace

std::string asked_words(const ReadAsked& asked) {
  return std::visit(AskedWords{asked}, asked.asked);
}

std::string answer_words(std::span<const uint8_t> answer, bool exact) {
  Get get(answer);
  const auto index = get.value<uint8_t>();
  std::string print;
  if (get.number(1) != 0) print = ", fingerprint " + hex(get.fixed<uint64_t>(), 16);
  std::string out = result_words(get, index);
  if (exact && get.left() > 0) {
    (void)get.number();
    out += ", their checksum " + hex(get.fixed<uint32_t>(), 8);
  }
  if (!get.done() && exact) out += ", damaged";
  return exact ? out + print : out;
}

}  // namespace rapport::sim
