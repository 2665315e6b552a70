// The table of bounds in docs/security.md is held against the program: each bound named there has
// the number that is compiled in, and none is missing on either side.
#include "rapport/ip/neighbours.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/stack/stack.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/connection.hh"
#include "rapport/tcp/debts.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/transfer.hh"
#include "rapport/wire/ipv6.hh"

#include <cstdint>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

using Bounds = std::map<std::string, int64_t>;

Bounds compiled() {
  const stack::Config c;
  const tcp::Config& t = c.tcp;
  return {{"connection", sizeof(tcp::Connection)},
          {"transfer", sizeof(tcp::Transfer)},
          {"extras", sizeof(tcp::Extras)},
          {"half_open", sizeof(tcp::HalfOpen)},
          {"time_wait", sizeof(tcp::TimeWait)},
          {"block", sizeof(tcp::Block)},
          {"send_buffer", t.defaults.send_buffer.v},
          {"receive_buffer", t.defaults.receive_buffer.v},
          {"max_connections", t.max_connections},
          {"max_half_open", t.max_half_open},
          {"backlog", tcp::Listen{}.backlog},
          {"max_time_wait", t.max_time_wait},
          {"max_transfers", t.max_transfers},
          {"max_blocks", t.max_blocks},
          {"max_out_of_order", t.max_out_of_order},
          {"eviction_looks", tcp::kEvictionLooks},
          {"debts", tcp::Debts::kCap},
          {"timers_a_turn", stack::kTimersPerExpiry},
          {"challenge_interval", t.challenge_interval.to_ms()},
          {"challenge_cap", t.challenge_cap},
          {"icmp_errors", c.icmp_errors},
          {"icmp_error_burst", c.icmp_error_burst},
          {"reassembly_datagrams", c.reassembly.datagrams},
          {"reassembly_fragments", c.reassembly.fragments},
          {"reassembly_octets", static_cast<int64_t>(c.reassembly.octets)},
          {"reassembly_timeout", c.reassembly.timeout.to_ms() / 1000},
          {"extension_headers", wire::kMaxExtensionHeaders},
          {"extension_options", wire::kMaxExtensionOptions},
          {"least_mss", tcp::kLeastMss},
          {"max_path_mtus", c.max_path_mtus},
          {"neighbours", c.neighbours.cap},
          {"syn_ack_retries", t.syn_ack_retries_under_pressure},
          {"persist_max", t.persist_max.to_ms() / 1000},
          {"orphan_give_up", t.orphan_give_up.to_ms() / 1000},
          {"fin_wait_2_orphan", t.fin_wait_2_orphan.to_ms() / 1000}};
}

// "| `name` | number | …" behind the line `<!-- bounds -->`.
Bounds documented() {
  std::ifstream file(SECURITY_DOC);
  Bounds all;
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "<!-- bounds -->") in_table = true;
    if (in_table && line.empty()) break;
    if (!in_table || !line.starts_with("| `")) continue;
    const size_t end = line.find('`', 3);
    const size_t bar = line.find("| ", end);
    all[line.substr(3, end - 3)] = std::stoll(line.substr(bar + 2));
  }
  return all;
}

TEST(Security, TheDocumentHasTheBoundsOfTheProgram) {
  Bounds told = documented();
  for (const auto& [name, number] : compiled()) {
    EXPECT_EQ(told.count(name), 1U) << name;
    EXPECT_EQ(told[name], number) << name;
  }
  EXPECT_EQ(told.size(), compiled().size()) << "the document names a bound that there is not";
}

// What the document says of memory follows from the bounds.
TEST(Security, TheDocumentCountsMemoryRightly) {
  constexpr int64_t kib = 1024;
  Bounds b = compiled();
  EXPECT_EQ(b["max_connections"] * b["connection"], 12 * kib * kib);
  EXPECT_EQ(b["max_half_open"] * b["half_open"], 256 * kib);
  EXPECT_EQ(b["max_time_wait"] * b["time_wait"], 8 * kib * kib);
  EXPECT_EQ(b["max_blocks"] * b["block"], 256 * kib * kib);
}

}  // namespace
}  // namespace rapport::test
