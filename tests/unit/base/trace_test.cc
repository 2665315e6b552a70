// Trace: the ring of records and its typed tails.
#include "rapport/base/trace.hh"

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"

#include <cstdint>

#include <gtest/gtest.h>

namespace rapport {
namespace {

FlowKey key() {
  FlowKey k;
  k.remote = IpAddress::v4(10, 0, 0, 2);
  k.remote_port = 40'000;
  k.local_port = 80;
  return k;
}

void write_call(Trace& trace, uint32_t octets) {
  TraceCall call{};
  call.call = static_cast<uint8_t>(CallKind::Send);
  call.octets = octets;
  trace.write(TraceKind::Call, Instant{octets}, Handle::make(3, 1), key(),
              IpAddress::v4(10, 0, 0, 1), call);
}

TEST(Trace, is_off_until_enabled) {
  Trace trace;
  EXPECT_FALSE(trace.enabled());
  TraceRecord record;
  EXPECT_FALSE(trace.read(record));
  trace.enable(8);
  EXPECT_TRUE(trace.enabled());
  trace.enable(0);
  EXPECT_FALSE(trace.enabled());
}

TEST(Trace, gives_back_what_was_written) {
  Trace trace;
  trace.enable(8);
  write_call(trace, 500);
  TraceRecord record;
  ASSERT_TRUE(trace.read(record));
  EXPECT_EQ(record.header.at, Instant{500});
  EXPECT_EQ(record.header.connection, Handle::make(3, 1));
  EXPECT_EQ(record.header.key, key());
  EXPECT_EQ(record.header.local, IpAddress::v4(10, 0, 0, 1));
  EXPECT_EQ(record.header.kind, TraceKind::Call);
  EXPECT_EQ(record.header.tail_length, sizeof(TraceCall));
  EXPECT_EQ(record.header.number, 1U);
  EXPECT_EQ(record.as<TraceCall>().octets, 500U);
  EXPECT_FALSE(trace.read(record));
}

TEST(Trace, the_oldest_records_go_and_are_counted) {
  Trace trace;
  trace.enable(5);  // 8 are kept
  for (uint32_t i = 1; i <= 11; ++i) write_call(trace, i);
  EXPECT_EQ(trace.written(), 11U);
  EXPECT_EQ(trace.lost(), 3U);
  TraceRecord record;
  for (uint32_t i = 4; i <= 11; ++i) {
    ASSERT_TRUE(trace.read(record));
    EXPECT_EQ(record.as<TraceCall>().octets, i);
    EXPECT_EQ(record.header.number, i);
  }
  EXPECT_FALSE(trace.read(record));
  write_call(trace, 12);
  ASSERT_TRUE(trace.read(record));
  EXPECT_EQ(record.header.number, 12U);
  EXPECT_EQ(trace.lost(), 3U);
}

TEST(Trace, one_record_is_a_ring_too) {
  Trace trace;
  trace.enable(1);
  ASSERT_TRUE(trace.enabled());
  write_call(trace, 1);
  TraceRecord record;
  EXPECT_TRUE(trace.read(record));
}

TEST(Trace, enabling_again_starts_afresh) {
  Trace trace;
  trace.enable(2);
  for (uint32_t i = 1; i <= 5; ++i) write_call(trace, i);
  trace.enable(4);
  EXPECT_EQ(trace.written(), 0U);
  EXPECT_EQ(trace.lost(), 0U);
  TraceRecord record;
  EXPECT_FALSE(trace.read(record));
}

TEST(Trace, snap_length_is_capped) {
  Trace trace;
  EXPECT_EQ(trace.snap_length(), 0);
  trace.set_snap_length(200);
  EXPECT_EQ(trace.snap_length(), sizeof(TraceSegment::snap));
}

}  // namespace
}  // namespace rapport
