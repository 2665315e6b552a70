// pcapng blocks, read back by a small reader written from the draft.
#include "rapport/wire/pcapng.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::wire {
namespace {

using Octets = std::vector<uint8_t>;

template <typename Number>
Number number_at(std::span<const uint8_t> bytes, size_t at) {
  Number n = 0;
  std::memcpy(&n, bytes.subspan(at, sizeof n).data(), sizeof n);
  return n;
}

struct Block {
  uint32_t type = 0;
  Octets body;
};

// One whole block: framed by equal lengths, a multiple of four.
Block block_of(std::span<const uint8_t> bytes) {
  const auto length = number_at<uint32_t>(bytes, 4);
  EXPECT_EQ(length, bytes.size());
  EXPECT_EQ(length % 4, 0U);
  EXPECT_EQ(number_at<uint32_t>(bytes, bytes.size() - 4), length);
  const auto body = bytes.subspan(8, bytes.size() - 12);
  return {.type = number_at<uint32_t>(bytes, 0), .body = {body.begin(), body.end()}};
}

// The options up to opt_endofopt, which must be there and must be the last octets.
std::map<uint16_t, std::string> options_of(std::span<const uint8_t> bytes) {
  std::map<uint16_t, std::string> found;
  while (bytes.size() >= 4 && number_at<uint16_t>(bytes, 0) != 0) {
    const auto length = number_at<uint16_t>(bytes, 2);
    const auto value = bytes.subspan(4, length);
    found.emplace(number_at<uint16_t>(bytes, 0), std::string(value.begin(), value.end()));
    bytes = bytes.subspan(4 + ((length + 3U) & ~3U));
  }
  if (!found.empty()) {
    EXPECT_TRUE(std::ranges::equal(bytes, Octets(4)));
  }
  return found;
}

TEST(Pcapng, TheSectionSaysByteOrderVersionAndApplication) {
  Octets bytes(pcapng_section_length("rapport"));
  ASSERT_EQ(write_pcapng_section(bytes, "rapport"), bytes.size());
  const Block block = block_of(bytes);
  EXPECT_EQ(block.type, 0x0a0d0d0aU);
  EXPECT_EQ(number_at<uint32_t>(block.body, 0), 0x1a2b3c4dU);
  EXPECT_EQ(number_at<uint16_t>(block.body, 4), 1);
  EXPECT_EQ(number_at<uint16_t>(block.body, 6), 0);
  EXPECT_EQ(number_at<uint64_t>(block.body, 8), ~uint64_t{0});
  EXPECT_EQ(options_of(std::span(block.body).subspan(16)).at(4), "rapport");
}

TEST(Pcapng, TheInterfaceIsRawWithNanoseconds) {
  Octets bytes(pcapng_interface_length("tun0"));
  ASSERT_EQ(write_pcapng_interface(bytes, "tun0", 96), bytes.size());
  const Block block = block_of(bytes);
  EXPECT_EQ(block.type, 1U);
  EXPECT_EQ(number_at<uint16_t>(block.body, 0), 101);
  EXPECT_EQ(number_at<uint32_t>(block.body, 4), 96U);
  const auto options = options_of(std::span(block.body).subspan(8));
  EXPECT_EQ(options.at(2), "tun0");
  EXPECT_EQ(options.at(9), "\x09");
}

RC_GTEST_PROP(PcapngProperty, APacketIsReadBack, ()) {
  const auto octets = *rc::gen::arbitrary<Octets>();
  const auto comment = *rc::gen::arbitrary<std::string>();
  const auto direction = *rc::gen::inRange<uint8_t>(0, 3);
  const auto more = *rc::gen::inRange<uint32_t>(0, 2000);
  const PcapngPacket packet{.interface = *rc::gen::arbitrary<uint32_t>(),
                            .time_ns = *rc::gen::arbitrary<uint64_t>(),
                            .octets = octets,
                            .original_length = static_cast<uint32_t>(octets.size()) + more,
                            .direction = static_cast<PcapngDirection>(direction),
                            .comment = comment};
  Octets bytes(pcapng_packet_length(packet));
  RC_ASSERT(write_pcapng_packet(bytes, packet) == bytes.size());
  const Block block = block_of(bytes);
  const std::span<const uint8_t> body = block.body;
  RC_ASSERT(block.type == 6U);
  RC_ASSERT(number_at<uint32_t>(body, 0) == packet.interface);
  RC_ASSERT((uint64_t{number_at<uint32_t>(body, 4)} << 32 | number_at<uint32_t>(body, 8))
            == packet.time_ns);
  RC_ASSERT(number_at<uint32_t>(body, 12) == octets.size());
  RC_ASSERT(number_at<uint32_t>(body, 16) == octets.size() + more);
  RC_ASSERT(std::ranges::equal(body.subspan(20, octets.size()), octets));
  auto options = options_of(body.subspan(20 + ((octets.size() + 3) & ~size_t{3})));
  RC_ASSERT(options.contains(1) == !comment.empty());
  if (!comment.empty()) {
    RC_ASSERT(options.at(1) == comment);
  }
  RC_ASSERT(options.contains(2) == (direction != 0));
  if (direction != 0)
    RC_ASSERT(options.at(2) == std::string({static_cast<char>(direction), 0, 0, 0}));
}

// True when nothing is written into that much room.
bool leaves_alone(size_t room, const PcapngPacket& packet) {
  Octets bytes(room, 0xee);
  return write_pcapng_packet(bytes, packet) == 0 && bytes == Octets(room, 0xee);
}

TEST(Pcapng, NothingIsWrittenWhereThereIsTooLittleRoom) {
  const Octets octets(61, 1);
  const PcapngPacket packet{.interface = 0,
                            .time_ns = 1,
                            .octets = octets,
                            .original_length = 61,
                            .direction = PcapngDirection::Outbound,
                            .comment = "lost here"};
  for (size_t room = 0; room < pcapng_packet_length(packet); ++room) {
    EXPECT_TRUE(leaves_alone(room, packet)) << room;
  }
  EXPECT_FALSE(leaves_alone(pcapng_packet_length(packet), packet));
}

TEST(Pcapng, SectionAndInterfaceNeedTheirRoomToo) {
  Octets little(pcapng_section_length("x") - 1);
  EXPECT_EQ(write_pcapng_section(little, "x"), 0U);
  little.resize(pcapng_interface_length("x") - 1);
  EXPECT_EQ(write_pcapng_interface(little, "x", 0), 0U);
}

TEST(Pcapng, ACommentThatNoOptionCanHoldIsCut) {
  const std::string comment(70000, 'x');
  PcapngPacket packet;
  packet.comment = comment;
  Octets bytes(pcapng_packet_length(packet));
  ASSERT_EQ(write_pcapng_packet(bytes, packet), bytes.size());
  const Block block = block_of(bytes);
  EXPECT_EQ(options_of(std::span(block.body).subspan(20)).at(1).size(), 65535U);
}

}  // namespace
}  // namespace rapport::wire
