// Records out of octets. Lengths, counts, times and settings are all checked before they are used.
#include "rapport/sim/record/reader.hh"

#include "rapport/base/interface.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/record/format.hh"
#include "rapport/sim/record/get.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::sim {

namespace {

constexpr uint32_t kMostOfATable = 1U << 24;
constexpr uint32_t kMostFrames = 1U << 20;
constexpr uint32_t kLargestBuffer = 1U << 17;
constexpr size_t kMostInterfaces = 64;
constexpr uint32_t kLargestHeadroom = 4096;
constexpr uint16_t kLeastMtu = 68, kLeastMtu6 = 1280;
constexpr uint32_t kEthernetHeader = 14;
constexpr uint32_t kMostTraceRecords = 1U << 24;

bool is_sound(const Interface& i) {
  const bool v6 =
      std::ranges::any_of(i.addresses, [](const Cidr& c) { return !c.address.is_v4(); });
  const bool prefixes = std::ranges::all_of(
      i.addresses, [](const Cidr& c) { return c.prefix <= (c.address.is_v4() ? 32 : 128); });
  return prefixes && i.addresses.size() <= kMostInterfaces
         && i.mtu >= (v6 ? kLeastMtu6 : kLeastMtu);
}

bool is_bounded(const tcp::Config& c) {
  const std::array caps{c.max_connections, c.max_half_open, c.max_time_wait, c.max_listeners,
                        c.max_transfers,   c.max_extras,    c.max_blocks,    c.max_pieces};
  return std::ranges::all_of(caps, [](uint32_t cap) { return cap <= kMostOfATable; })
         && c.max_out_of_order <= 511;
}

// A Stack can be made of them.
bool is_sound(const stack::Config& c) {
  const std::array caps{c.udp.max_sockets, c.udp.max_datagrams, c.udp.max_blocks, c.max_path_mtus,
                        c.neighbours.messages};
  const bool ethernet =
      std::ranges::any_of(c.interfaces, [](const Interface& i) { return i.ethernet.has_value(); });
  constexpr size_t kLongestDatagram = 65535;
  return !c.interfaces.empty() && c.interfaces.size() <= kMostInterfaces
         && std::ranges::all_of(c.interfaces, [](const Interface& i) { return is_sound(i); })
         && c.frame_headroom <= kLargestHeadroom
         && (!ethernet || c.frame_headroom >= kEthernetHeader) && is_bounded(c.tcp)
         && std::ranges::all_of(caps, [](uint32_t cap) { return cap <= kMostOfATable; })
         && c.neighbours.cap >= 1 && c.neighbours.cap <= kMostOfATable
         && c.reassembly.datagrams >= 1 && c.reassembly.datagrams <= 64
         && c.reassembly.fragments <= kMostOfATable && c.reassembly.octets >= kLongestDatagram
         && c.reassembly.octets <= kMostOfATable;
}

bool read_burst(Get& get, uint8_t interfaces, ReadAsked& out) {
  stack::Receiving receiving;
  get(receiving.interface);
  const uint64_t count = get.number(get.left());
  for (uint64_t i = 0; i < count && get.well(); ++i) {
    ReadAsked::Packet packet;
    get(packet.own, packet.serial, packet.octets);
    out.packets.push_back(packet);
  }
  out.asked = receiving;
  return get.well() && receiving.interface < interfaces;
}

// The `index`-th kind of question.
template <size_t I = 0>
bool read_question(Get& get, size_t index, uint8_t interfaces, ReadAsked& out) {
  if constexpr (I == std::variant_size_v<stack::Asked>) {
    return false;
  } else {
    using What = std::variant_alternative_t<I, stack::Asked>;
    if (index != I) return read_question<I + 1>(get, index, interfaces, out);
    if constexpr (std::is_same_v<What, stack::Receiving>) {
      return read_burst(get, interfaces, out);
    } else {
      out.asked = get.value<What>();
      out.options = get.options;
      out.room = get.room;
      return get.well();
    }
  }
}

template <class T>
bool read_whole(std::span<const uint8_t> payload, T& out) {
  Get get(payload);
  fields(out, get);
  return get.done();
}

}  // namespace

void bind(ReadAsked& asked) {
  const auto set = [&](auto& command) {
    if (command.options != nullptr) command.options = &asked.options;
  };
  if (auto* connect = std::get_if<tcp::Connect>(&asked.asked)) set(*connect);
  if (auto* listen = std::get_if<tcp::Listen>(&asked.asked)) set(*listen);
}

std::expected<Reader, RecordingFault> Reader::open(std::span<const uint8_t> file) {
  Reader r(file);
  const size_t magic = std::min(file.size(), kRecordingMagic.size());
  if (file.empty()
      || !std::ranges::equal(file.first(magic), std::span(kRecordingMagic).first(magic)))
    return std::unexpected(r.fault("it is no recording of rapport"));
  if (file.size() < kRecordingHead) return std::unexpected(r.fault("it is cut short in its head"));
  r.began_ = kRecordingMagic.size();
  const auto version = static_cast<unsigned>(file[8] | file[9] << 8);
  if (version != kRecordingVersion) {
    return std::unexpected(r.fault("it is of version " + std::to_string(version)
                                   + "; this program reads version "
                                   + std::to_string(kRecordingVersion)));
  }
  r.began_ = 10;
  if (std::ranges::any_of(file.subspan(10, 6), [](uint8_t o) { return o != 0; }))
    return std::unexpected(r.fault("its head is damaged"));
  r.at_ = kRecordingHead;
  r.crc_ = crc32(file.first(kRecordingHead));
  const auto first = r.next_raw();
  if (!first) return std::unexpected(first.error());
  Get get(first->payload);
  get(r.about_.program, r.about_.seed, r.about_.asked, r.about_.rules_off);
  if (first->kind != RecordKind::About || !get.done())
    return std::unexpected(r.fault("its first record does not say what it is about"));
  return r;
}

std::expected<Reader::Raw, RecordingFault> Reader::next_raw() {
  began_ = at_;
  const auto left = file_.subspan(static_cast<size_t>(at_));
  if (left.empty()) return std::unexpected(fault("it is cut short between two records", true));
  if (left.size() < kRecordHead)
    return std::unexpected(fault("it is cut short within the head of a record", true));
  const auto head = left.first<kRecordHead>();
  const uint32_t length = uint32_t{head[1]} | uint32_t{head[2]} << 8 | uint32_t{head[3]} << 16
                          | uint32_t{head[4]} << 24;
  if (head_check(head.first<5>()) != head[5] || length > kLongestRecord)
    return std::unexpected(fault("the head of a record is damaged"));
  const size_t whole = kRecordHead + length + kRecordTail;
  if (left.size() < whole) return std::unexpected(fault("it is cut short within a record", true));
  const auto record = left.first(whole - kRecordTail);
  const uint32_t crc = crc32(record, crc_);
  Get tail(left.subspan(record.size(), kRecordTail));
  if (tail.fixed<uint32_t>() != crc)
    return std::unexpected(fault("a record is damaged: its checksum is wrong"));
  crc_ = crc32(left.subspan(record.size(), kRecordTail), crc);
  at_ += whole;
  return Raw{static_cast<RecordKind>(head[0]), record.subspan(kRecordHead)};
}

bool Reader::read_host(std::span<const uint8_t> payload, ReadHost& out) {
  Get get(payload);
  get(out.host, out.about.name, out.about.trace_records, out.about.snap_length);
  get(out.frames, out.buffer_size, out.config);
  if (!get.done() || out.host >= kMostHosts || out.about.trace_records > kMostTraceRecords
      || out.frames > kMostFrames || out.buffer_size > kLargestBuffer || !is_sound(out.config)
      || out.buffer_size < stack::buffer_size(out.config))
    return false;
  if (times_.size() <= out.host) {
    times_.resize(out.host + 1);
    interfaces_.resize(out.host + 1);
  }
  times_[out.host] = {};
  interfaces_[out.host] = static_cast<uint8_t>(out.config.interfaces.size());
  return true;
}

bool Reader::read_asked(std::span<const uint8_t> payload, ReadAsked& out) {
  Get get(payload);
  Duration later;
  uint8_t index = 0;
  get(out.host, index, later, out.available);
  if (!get.well() || out.host >= times_.size() || interfaces_[out.host] == 0) return false;
  Instant& time = times_[out.host];
  if (later.ns < 0 || later.ns > kNever.ns - time.ns) return false;
  time = out.at = time + later;
  if (!read_question(get, index, interfaces_[out.host], out) || !get.done()) return false;
  if (out.is_input()) ++inputs_;
  return true;
}

std::expected<ReadRecord, RecordingFault> Reader::next() {
  if (ended_) return std::unexpected(fault("it goes on behind its end"));
  const auto raw = next_raw();
  if (!raw) return std::unexpected(raw.error());
  ReadRecord record;
  if (!read_record(*raw, record)) return std::unexpected(fault("a record makes no sense"));
  if (ended_ && at_ != file_.size()) return std::unexpected(fault("octets follow its end"));
  return record;
}

bool Reader::read_record(const Raw& raw, ReadRecord& out) {
  switch (raw.kind) {
    case RecordKind::Host: return read_host(raw.payload, out.emplace<ReadHost>());
    case RecordKind::Asked: return read_asked(raw.payload, out.emplace<ReadAsked>());
    case RecordKind::Answered: out = ReadAnswer{raw.payload}; return true;
    case RecordKind::Wire: return read_whole(raw.payload, out.emplace<ReadWire>().wire);
    default: break;
  }
  Get get(raw.payload);
  switch (raw.kind) {
    case RecordKind::Fate: {
      auto& fate = out.emplace<ReadFate>();
      get(fate.index, fate.fate);
      break;
    }
    case RecordKind::Gathered: get(out.emplace<ReadGathered>().host); break;
    case RecordKind::Gone: get(out.emplace<ReadGone>().host); break;
    case RecordKind::Remark: {
      auto& note = out.emplace<Recording::Note>();
      get(note.host, note.at, note.text, note.forgets, note.closes);
      break;
    }
    case RecordKind::Ladder: {
      auto& ladder = out.emplace<ReadLadder>();
      get(ladder.left, ladder.right);
      break;
    }
    case RecordKind::End: get(out.emplace<ReadEnd>().inputs); break;
    default: return false;
  }
  ended_ = raw.kind == RecordKind::End;
  return get.done() && (!ended_ || std::get<ReadEnd>(out).inputs == inputs_);
}

}  // namespace rapport::sim
