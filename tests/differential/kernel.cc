// The namespace with its settings, and the loop. A sequence during which this process was kept
// waiting is no measurement and is played again, with other ends.
#include "kernel.hh"

#include "host.hh"
#include "kernel_host.hh"
#include "player.hh"
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/packet_fd.hh"
#include "rapport/device/tun.hh"
#include "sequence.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <deque>
#include <expected>
#include <fstream>
#include <list>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::differential {

namespace {

constexpr Duration kApart = 2_ms;      // between the beginnings of two sequences
constexpr Duration kMayBeLate = 8_ms;  // kAtOnce and this are less than any delayed ACK
constexpr uint32_t kMostRepeats = 8;   // of one sequence
constexpr uint16_t kFirstPort = 10000;
constexpr uint32_t kPorts = 50000;
constexpr uint16_t kPeerPort = 7000;

Instant clock_now() {
  timespec t{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &t);
  return Instant{int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec};
}

// What makes the kernel comparable; docs/differences.md tells why.
constexpr std::array<std::pair<const char*, const char*>, 10> kSettings{
    {{"ipv4/tcp_challenge_ack_limit", "2147483647"},
     {"ipv4/tcp_invalid_ratelimit", "0"},
     {"ipv4/tcp_early_retrans", "0"},
     {"ipv4/tcp_no_metrics_save", "1"},
     {"ipv4/tcp_moderate_rcvbuf", "0"},
     {"ipv4/tcp_syncookies", "0"},
     {"ipv4/tcp_fastopen", "0"},
     {"ipv4/tcp_max_syn_backlog", "65536"},
     {"ipv4/icmp_ratelimit", "0"},
     {"ipv6/conf/all/accept_ra", "0"}}};

std::string cannot_set() {
  for (const auto& [name, value] : kSettings) {
    std::ofstream file(std::string("/proc/sys/net/") + name);
    file << value << std::flush;
    if (!file) return std::string("cannot set net/") + name;
  }
  return {};
}

// Ahead of what else this machine does: the tests are judged by a clock. Better, not necessary.
void ask_for_priority() {
  const sched_param first{.sched_priority = 1};
  if (::sched_setscheduler(0, SCHED_FIFO, &first) != 0) (void)::setpriority(PRIO_PROCESS, 0, -20);
}

uint32_t number_of(const IpAddress& a) {
  return uint32_t{a.octets[14]} << 8 | a.octets[15];
}

}  // namespace

Ends ends_of(uint8_t family, uint32_t n) {
  const uint32_t host = 256 + n;  // of 65,000 peers
  Ends e;
  if (family == 4) {
    e.local.address = IpAddress::v4(10, 77, 0, 1);
    e.remote.address = IpAddress::v4(0x0a4d0000U + host);
  } else {
    e.local.address.octets = {0xfd, 0, 0, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    e.remote.address.octets = {0xfd, 0, 0, 0x77};
    e.remote.address.octets[14] = static_cast<uint8_t>(host >> 8);
    e.remote.address.octets[15] = static_cast<uint8_t>(host);
  }
  e.local.port = static_cast<uint16_t>(kFirstPort + n % kPorts);
  e.remote.port = kPeerPort;
  return e;
}

struct Kernel::Play {
  Play(const Sequence& sequence, const Ends& ends, size_t index, const Kernel& k)
      : which(index), host(ends, k.tun_->fd(), k.diag_.get()), player(sequence, ends) {}

  size_t which;
  KernelHost host;
  Player player;
  bool late = false;
};

struct Kernel::Run {
  const std::vector<Sequence>* all = nullptr;
  std::deque<size_t> waiting;
  std::list<Play> playing;
  std::vector<Play*> by_host = std::vector<Play*>(65536);  // the last two octets of the peer
  std::vector<std::vector<Answer>> answers;
  std::vector<uint32_t> tries;
  Instant next_beginning{};
  std::string failed;
};

Kernel::Kernel(std::unique_ptr<device::PacketFd> tun, device::Descriptor diag)
    : tun_(std::move(tun)), diag_(std::move(diag)) {}

std::expected<std::unique_ptr<Kernel>, std::string> Kernel::make() {
  if (::geteuid() != 0) return std::unexpected("it makes a network namespace: run it as root");
  if (::unshare(CLONE_NEWNET) != 0) {
    return std::unexpected(std::string("cannot make a network namespace: ") + std::strerror(errno));
  }
  if (auto wrong = cannot_set(); !wrong.empty()) return std::unexpected(std::move(wrong));
  device::TunConfig config;
  config.name = "rap0";
  config.mtu = kMtu;
  for (const uint8_t family : {uint8_t{4}, uint8_t{6}}) {
    config.hosts.push_back(
        {ends_of(family, 0).local.address, static_cast<uint8_t>(family == 4 ? 16 : 64)});
  }
  auto tun = device::make_tun(config);
  if (!tun) return std::unexpected(tun.error().text);
  device::Descriptor diag(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (!diag
      || ::connect(diag.get(), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0) {
    return std::unexpected("the kernel has no sock_diag");
  }
  ask_for_priority();
  return std::unique_ptr<Kernel>(new Kernel(std::move(*tun), std::move(diag)));
}

void Kernel::drain(Run& run) {
  std::array<uint8_t, 65536> packet{};
  while (true) {
    const auto n = ::read(tun_->fd(), packet.data(), packet.size());
    if (n <= 0) return;
    const std::span<const uint8_t> octets(packet.data(), static_cast<size_t>(n));
    const size_t host_at = (packet[0] >> 4) == 4 ? 18 : 38;
    if (octets.size() < host_at + 2) continue;
    Play* const play = run.by_host[size_t{packet[host_at]} << 8 | packet[host_at + 1]];
    if (play != nullptr) play->player.hears(octets);
  }
}

void Kernel::begins(Run& run, size_t which) {
  const Sequence& sequence = (*run.all)[which];
  const Ends ends = ends_of(sequence.family, played_++ % 60000);
  ++run.tries[which];
  Play& play = run.playing.emplace_back(sequence, ends, which, *this);
  run.by_host[number_of(ends.remote.address)] = &play;
  (void)play.player.advance(clock_now(), play.host);
}

void Kernel::advances(Run& run) {
  for (auto it = run.playing.begin(); it != run.playing.end();) {
    Play& play = *it;
    const Instant now = clock_now();
    if (play.player.due() > now) {
      ++it;
      continue;
    }
    drain(run);
    if (now - play.player.due() > kMayBeLate) play.late = true;
    if (play.player.advance(now, play.host)) {
      ++it;
      continue;
    }
    if (!play.late) {
      run.answers[play.which] = play.player.answers();
    } else if (run.tries[play.which] > kMostRepeats) {
      run.failed = "this machine is too busy: a process that asks for priority is kept waiting";
    } else {
      ++repeated_;
      run.waiting.push_back(play.which);
    }
    std::ranges::replace(run.by_host, &play, nullptr);
    it = run.playing.erase(it);
  }
}

std::expected<std::vector<std::vector<Answer>>, std::string> Kernel::play(
    const std::vector<Sequence>& all) {
  Run run;
  run.all = &all;
  run.answers.resize(all.size());
  run.tries.resize(all.size());
  for (size_t i = 0; i < all.size(); ++i) run.waiting.push_back(i);
  while (run.failed.empty() && (!run.waiting.empty() || !run.playing.empty())) {
    const Instant now = clock_now();
    if (!run.waiting.empty() && now >= run.next_beginning) {
      begins(run, run.waiting.front());
      run.waiting.pop_front();
      run.next_beginning = now + kApart;
    }
    advances(run);
    drain(run);
    Instant due = run.waiting.empty() ? kNever : run.next_beginning;
    for (const Play& play : run.playing) due = std::min(due, play.player.due());
    if (due == kNever) continue;
    const auto wait = std::max<int64_t>((due - clock_now()).ns, 0);
    const timespec timeout{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    pollfd readable{.fd = tun_->fd(), .events = POLLIN, .revents = 0};
    (void)::ppoll(&readable, 1, &timeout, nullptr);
  }
  if (!run.failed.empty()) return std::unexpected(run.failed);
  return run.answers;
}

}  // namespace rapport::differential
