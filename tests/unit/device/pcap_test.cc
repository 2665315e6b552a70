// Pcap over a socket pair: what passes is in the file, in order, with its direction; what the
// device did not take is not.
#include "rapport/device/pcap.hh"

#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/device/packet_fd.hh"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <ios>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::device {
namespace {

std::string scratch(const char* name) {
  return testing::TempDir() + "rapport-" + std::to_string(::getpid()) + "-" + name;
}

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

uint32_t word(const std::vector<uint8_t>& bytes, size_t at) {
  uint32_t w = 0;
  std::memcpy(&w, &bytes.at(at), sizeof(w));
  return w;
}

struct Packet {
  uint8_t first = 0;
  uint32_t length = 0;
  uint32_t direction = 0;
  uint64_t time_ns = 0;
};

// The enhanced packet blocks of a little-endian pcapng file; asserts that the blocks fit the file.
std::vector<Packet> packets_of(const std::vector<uint8_t>& file) {
  std::vector<Packet> packets;
  for (size_t at = 0; at < file.size();) {
    const uint32_t type = word(file, at);
    const uint32_t length = word(file, at + 4);
    if (length < 12 || at + length > file.size() || word(file, at + length - 4) != length) {
      ADD_FAILURE() << "a block that does not fit, at " << at;
      break;
    }
    if (type == 6) {
      const uint32_t kept = word(file, at + 20);
      const size_t options = at + 28 + ((kept + 3) & ~3U);
      EXPECT_EQ(word(file, options) & 0xffff, 2U) << "epb_flags";
      packets.push_back({file.at(at + 28), kept, word(file, options + 4) & 3,
                         uint64_t{word(file, at + 12)} << 32 | word(file, at + 16)});
    }
    at += length;
  }
  return packets;
}

Frame packet(FramePool& pool, size_t length, uint8_t first) {
  Frame f = pool.allocate(64);
  f.reshape(64, length);
  std::memset(f.data(), 0, length);
  f.data()[0] = first;
  return f;
}

TEST(Pcap, WritesWhatPassesInOrderAndWithDirection) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds.data()), 0);
  const Descriptor theirs(fds[1]);
  FramePool pool(16, 2048);
  const std::string path = scratch("order.pcapng");
  {
    auto pcap = Pcap::make(std::make_unique<PacketFd>(Descriptor(fds[0])), path, "pair");
    ASSERT_TRUE(pcap.has_value());
    std::array<Frame, 2> out{packet(pool, 41, 0x45), packet(pool, 1500, 0x46)};
    EXPECT_EQ((*pcap)->send(out), 2U);
    const std::array<uint8_t, 3> bytes{0x47, 2, 3};
    ASSERT_EQ(::write(theirs.get(), bytes.data(), bytes.size()), 3);
    std::array<Frame, 4> in;
    EXPECT_EQ((*pcap)->receive(pool, in, {}), 1U);
    EXPECT_EQ(in[0].size(), 3U);
    EXPECT_EQ((*pcap)->captured(), 3U);
  }
  const auto packets = packets_of(read_file(path));
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(packets[0].first, 0x45);
  EXPECT_EQ(packets[0].length, 41U);
  EXPECT_EQ(packets[0].direction, 2U);
  EXPECT_EQ(packets[1].length, 1500U);
  EXPECT_EQ(packets[2].first, 0x47);
  EXPECT_EQ(packets[2].direction, 1U);
  EXPECT_GT(packets[0].time_ns, 1'700'000'000'000'000'000U) << "nanoseconds since 1970";
  EXPECT_GE(packets[2].time_ns, packets[0].time_ns);
  ::unlink(path.c_str());
}

TEST(Pcap, SaysWhatItsPacketsBeginWith) {
  for (const auto& [link, type] : {std::pair{Link::Ip, 101U}, std::pair{Link::Ethernet, 1U}}) {
    std::array<int, 2> fds{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds.data()), 0);
    const Descriptor theirs(fds[1]);
    const std::string path = scratch("link.pcapng");
    auto pcap = Pcap::make(std::make_unique<PacketFd>(Descriptor(fds[0]), link), path, "pair");
    ASSERT_TRUE(pcap.has_value());
    EXPECT_EQ((*pcap)->link(), link);
    const auto file = read_file(path);
    EXPECT_EQ(word(file, word(file, 4) + 8) & 0xffff, type) << "of the interface block";
    ::unlink(path.c_str());
  }
}

TEST(Pcap, DoesNotRecordWhatTheDeviceDidNotTake) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds.data()), 0);
  const Descriptor theirs(fds[1]);
  const int small = 4096;
  (void)::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  FramePool pool(256, 2048);
  const std::string path = scratch("full.pcapng");
  size_t taken = 0;
  {
    auto pcap = Pcap::make(std::make_unique<PacketFd>(Descriptor(fds[0])), path, "pair");
    ASSERT_TRUE(pcap.has_value());
    std::vector<Frame> burst;
    for (int i = 0; i < 64; ++i) burst.push_back(packet(pool, 1000, 0x45));
    taken = (*pcap)->send(burst);
    ASSERT_GT(taken, 0U);
    ASSERT_LT(taken, 64U);
    EXPECT_EQ((*pcap)->send(std::span(burst).subspan(taken)), 0U);
  }
  EXPECT_EQ(packets_of(read_file(path)).size(), taken);
  ::unlink(path.c_str());
}

TEST(Pcap, AFileThatCannotBeMadeIsAnError) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds.data()), 0);
  const Descriptor theirs(fds[1]);
  auto pcap = Pcap::make(std::make_unique<PacketFd>(Descriptor(fds[0])),
                         scratch("no-such-folder") + "/x.pcapng", "pair");
  ASSERT_FALSE(pcap.has_value());
  EXPECT_EQ(pcap.error(), ENOENT);
}

TEST(Pcap, ADiskThatIsFullFromTheStartIsAnError) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds.data()), 0);
  const Descriptor theirs(fds[1]);
  auto pcap = Pcap::make(std::make_unique<PacketFd>(Descriptor(fds[0])), "/dev/full", "pair");
  ASSERT_FALSE(pcap.has_value());
  EXPECT_EQ(pcap.error(), ENOSPC);
  EXPECT_EQ(::access("/dev/full", F_OK), 0) << "only a file of its own may be removed";
}

}  // namespace
}  // namespace rapport::device
