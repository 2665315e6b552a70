// Text that is summed while it is copied to its place: a wrong sum leaves no trace, a right one the
// text, across blocks and at odd offsets (MUST-3).
#include "pair.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr size_t kHeaders = 20 + 20 + 12;

class EarlyText : public testing::Test {
 protected:
  EarlyText() {
    const auto l =
        ends.a.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, ends.now);
    const tcp::Connect c{.remote = {IpAddress::v4(10, 0, 0, 1), 80}, .local_address = {}};
    sender = *ends.b.command(c, ends.now);
    ends.settle();
    receiver = *ends.a.command(tcp::Accept{*l}, ends.now);
  }

  std::vector<uint8_t> pattern(size_t octets) {
    std::vector<uint8_t> text(octets);
    for (uint8_t& b : text) {
      b = static_cast<uint8_t>(next_ * 7 + next_ / 251);
      ++next_;
    }
    return text;
  }

  void deliver(Frame& f) { ends.a.receive({&f, 1}, ends.now); }

  Frame copy_of(const Frame& f) {
    Frame other = frames.allocate(0);
    other.reshape(0, f.size());
    std::memcpy(other.data(), f.data(), f.size());
    return other;
  }

  std::vector<uint8_t> read() {
    std::vector<uint8_t> into(65536);
    const auto n = ends.a.command(tcp::Receive{receiver, into}, ends.now);
    into.resize(n.has_value() ? n->v : 0);
    return into;
  }

  Pair ends{64};
  FramePool frames{8, 2048};
  Handle sender, receiver;

 private:
  uint32_t next_ = 0;
};

TEST_F(EarlyText, AWrongSumLeavesNoTrace_MUST_3) {
  // A first text, so that there is a Transfer whose queue the second one is copied into.
  const std::vector<uint8_t> first = pattern(600);
  ASSERT_TRUE(ends.b.command(tcp::Send{sender, first}, ends.now).has_value());
  ends.settle();
  const std::vector<uint8_t> text = pattern(1001);
  ASSERT_TRUE(ends.b.command(tcp::Send{sender, text}, ends.now).has_value());
  Frame good = ends.b.next_frame();
  ASSERT_EQ(good.size(), kHeaders + text.size());
  for (const size_t at : {kHeaders, kHeaders + 500, good.size() - 1, size_t{20 + 14}}) {
    Frame bad = copy_of(good);
    bad.data()[at] ^= 0x40;
    const uint64_t before = ends.a.counters().dropped(DropReason::TcpChecksum);
    const uint64_t segments = ends.a.counters().segments_received;
    const uint64_t state = ends.a.fingerprint();
    deliver(bad);
    EXPECT_EQ(ends.a.counters().dropped(DropReason::TcpChecksum), before + 1) << at;
    EXPECT_EQ(ends.a.counters().segments_received, segments) << at;
    EXPECT_EQ(ends.a.fingerprint(), state) << at;
    EXPECT_FALSE(ends.a.next_frame()) << at;
  }
  deliver(good);
  std::vector<uint8_t> all = first;
  all.insert(all.end(), text.begin(), text.end());
  EXPECT_EQ(read(), all);
}

TEST_F(EarlyText, CrossesBlocksAtOddOffsets_MUST_3) {
  std::vector<uint8_t> all;
  for (int i = 0; i < 40; ++i) {
    const std::vector<uint8_t> text = pattern(1001);
    ASSERT_TRUE(ends.b.command(tcp::Send{sender, text}, ends.now).has_value());
    all.insert(all.end(), text.begin(), text.end());
    ends.run_until(ends.now + 1_s);
  }
  EXPECT_EQ(ends.a.counters().dropped(DropReason::TcpChecksum), 0U);
  EXPECT_EQ(read(), all);
}

TEST_F(EarlyText, BesideAHoleTheTextIsSummedFirst_MUST_3) {
  const std::vector<uint8_t> text = pattern(3 * size_t{1448});
  ASSERT_TRUE(ends.b.command(tcp::Send{sender, text}, ends.now).has_value());
  Frame first = ends.b.next_frame();
  Frame second = ends.b.next_frame();
  Frame third = ends.b.next_frame();
  ASSERT_TRUE(third);
  deliver(second);
  Frame bad = copy_of(first);
  bad.data()[kHeaders + 700] ^= 1;
  deliver(bad);
  EXPECT_EQ(ends.a.counters().dropped(DropReason::TcpChecksum), 1U);
  deliver(first);
  deliver(third);
  EXPECT_EQ(read(), text);
}

}  // namespace
}  // namespace rapport::test
