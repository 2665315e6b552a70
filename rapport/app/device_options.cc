// From words to a network: each check has one line that names the option and what it takes. Which
// errors the kernel adds is device/tun's business; here they only get the advice that fits the
// program.
#include "rapport/app/device_options.hh"

#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/base/interface.hh"
#include "rapport/device/device.hh"
#include "rapport/device/fault.hh"
#include "rapport/device/pcap.hh"
#include "rapport/device/tap.hh"
#include "rapport/device/tun.hh"
#include "rapport/ip/own_addresses.hh"
#include "rapport/shard/shard.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;

constexpr std::string_view kOwn = "--address";
constexpr std::string_view kHost = "--host-address";
constexpr std::string_view kDefaultName = "rapport0";
constexpr uint64_t kLeastMtu = 68;  // RFC 791 3.1
constexpr uint16_t kLeastMtu6 = 1280;
constexpr uint32_t kPoolOctets = 128 << 20;  // of packet buffers, whatever the MTU
constexpr uint32_t kFewestFrames = 2048, kMostFrames = 8192;
constexpr std::chrono::milliseconds kLook{10};  // at addresses that are being checked

constexpr int bits_of(const IpAddress& a) {
  return a.is_v4() ? 32 : 128;
}

std::string text_of(const Cidr& c) {
  return fmt::format("{}/{}", to_string(c.address), c.prefix);
}

// The address with every bit behind the prefix set to `bit`.
IpAddress edge_of_network(const Cidr& c, bool bit) {
  IpAddress out = c.address;
  const int first = 128 - bits_of(c.address) + c.prefix;
  for (int i = first; i < 128; ++i) {
    const auto mask = static_cast<uint8_t>(0x80U >> static_cast<unsigned>(i % 8));
    uint8_t& octet = out.octets[static_cast<size_t>(i) / 8];
    octet = static_cast<uint8_t>(bit ? octet | mask : octet & ~mask);
  }
  return out;
}

// The first address of the network that a host may have and nobody of `taken` has; of IPv4 not the
// last, which is the broadcast address (RFC 1122 3.2.1.3).
std::optional<Cidr> free_address(const Cidr& network, const std::vector<Cidr>& taken) {
  const IpAddress last = edge_of_network(network, true);
  IpAddress a = edge_of_network(network, false);
  while (a != last) {
    for (size_t i = a.octets.size(); i-- > 0 && ++a.octets[i] == 0;) continue;
    if (a == last && a.is_v4()) break;
    if (std::ranges::find(taken, a, &Cidr::address) == taken.end()) return Cidr{a, network.prefix};
  }
  return std::nullopt;
}

// An address and a number behind '/', whatever its size.
bool has_form_of_network(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string_view prefix = text.substr(slash);
  return parse_address(text.substr(0, slash)) && prefix.size() > 1
         && prefix.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

Cidr network_of(std::string_view option, const std::string& text) {
  const auto cidr = parse_cidr(text);
  const bool v4 = !text.contains(':');
  const int longest = v4 ? 30 : 126;
  if (has_form_of_network(text) && (!cidr || cidr->prefix < 1 || cidr->prefix > longest)) {
    throw Misuse(fmt::format("{} {}: a prefix of 1 to {} is needed", option, text, longest));
  }
  if (!cidr) {
    throw Misuse(fmt::format("{} {}: an address with its prefix is needed, such as 10.77.0.2/24",
                             option, text));
  }
  const IpAddress& a = cidr->address;
  if (a == edge_of_network(*cidr, false) || (v4 && a == edge_of_network(*cidr, true))) {
    throw Misuse(
        fmt::format("{} {}: a host's address is needed, neither the first nor the last of its "
                    "network",
                    option, text));
  }
  if (a.is_loopback() || a.is_multicast() || a.is_reserved_or_broadcast() || a.is_unspecified()) {
    throw Misuse(fmt::format(
        "{} {}: a unicast address of a network is needed, such as 10.77.0.2/24", option, text));
  }
  return *cidr;
}

std::vector<Cidr> networks_of(std::string_view option, const std::vector<std::string>& texts) {
  std::vector<Cidr> out;
  for (const std::string& text : texts) {
    const Cidr cidr = network_of(option, text);
    if (std::ranges::find(out, cidr.address, &Cidr::address) != out.end()) {
      throw Misuse(fmt::format("{} {}: given twice", option, to_string(cidr.address)));
    }
    out.push_back(cidr);
  }
  return out;
}

bool same_family(const Cidr& a, const Cidr& b) {
  return a.address.is_v4() == b.address.is_v4();
}

bool same_network(const Cidr& a, const Cidr& b) {
  return same_family(a, b) && a.prefix == b.prefix && a.contains(b.address);
}

// Where nobody of the family is given on the other side, the first other address of each network.
void fill_in(std::string_view option, std::vector<Cidr>& missing, const std::vector<Cidr>& given) {
  std::vector<Cidr> made;
  for (const Cidr& c : given) {
    const auto fits = [&](const Cidr& m) { return same_family(m, c); };
    const auto covers = [&](const Cidr& m) { return same_network(m, c); };
    if (std::ranges::any_of(missing, fits) || std::ranges::any_of(made, covers)) continue;
    const auto other = free_address(c, given);
    if (!other) {
      throw Misuse(fmt::format("{}: none of {}/{} is left for it: a shorter prefix is needed",
                               option, to_string(edge_of_network(c, false)), c.prefix));
    }
    made.push_back(*other);
  }
  missing.insert(missing.end(), made.begin(), made.end());
}

// Every address of `all` shares its network with one of `others`.
void check_networks(std::string_view option, const std::vector<Cidr>& all,
                    std::string_view other_option, const std::vector<Cidr>& others) {
  for (const Cidr& c : all) {
    if (std::ranges::find(others, c.address, &Cidr::address) != others.end()) {
      throw Misuse(fmt::format("{} and {} are both {}: the stack and the host need one each", kOwn,
                               kHost, to_string(c.address)));
    }
    if (std::ranges::any_of(others, [&](const Cidr& o) { return same_network(o, c); })) continue;
    const auto near =
        std::ranges::find_if(others, [&](const Cidr& o) { return same_family(o, c); });
    throw Misuse(
        fmt::format("{} {} and {} {} are in different networks: both must be in the same "
                    "one",
                    option, text_of(c), other_option, text_of(*near)));
  }
}

Misuse cannot_capture(const std::string& path, int code) {
  return Misuse(fmt::format("--pcap {}: cannot write it: {}", path, reason(code)));
}

// A capture shows what this host sends and hears: what the faults take comes behind it.
std::unique_ptr<device::Device> decorated(std::unique_ptr<device::Device> device,
                                          const DevicePlan& plan) {
  if (plan.fault) {
    auto fault = device::Fault::make(std::move(device), *plan.fault);
    if (!fault)
      throw Misuse(fmt::format("--fault: cannot make a timer: {}", reason(fault.error())));
    device = std::move(*fault);
  }
  if (!plan.pcap.empty()) {
    auto pcap = device::Pcap::make(std::move(device), plan.pcap, plan.name);
    if (!pcap) throw cannot_capture(plan.pcap, pcap.error());
    device = std::move(*pcap);
  }
  return device;
}

// Why a capture cannot be written there, as far as that can be known without a file; 0: it can.
int trouble_of_capture(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) == 0) {
    if (S_ISDIR(about.st_mode)) return EISDIR;
    return ::access(path.c_str(), W_OK) == 0 ? 0 : errno;
  }
  if (errno != ENOENT) return errno;
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

std::unique_ptr<device::Device> device_of(const DevicePlan& plan) {
  device::TunConfig config;
  config.name = plan.name;
  config.hosts = plan.host;
  config.mtu = plan.mtu;
  auto made = plan.ethernet ? device::make_tap(config) : device::make_tun(config);
  if (!made) {
    const bool lab = made.error().fault == device::TunFault::NotPermitted;
    throw Misuse(made.error().text
                 + (lab ? "; or run it in a network namespace of its own: scripts/lab" : ""));
  }
  return decorated(std::move(*made), plan);
}

// The host is the way to everywhere else, if it forwards.
std::vector<Route> routes_by(const std::vector<Cidr>& hosts) {
  std::vector<Route> out;
  for (const Cidr& host : hosts) {
    const IpAddress any = host.address.is_v4() ? IpAddress::v4(0) : IpAddress{};
    const auto covers = [&](const Route& r) { return r.destination.address == any; };
    if (std::ranges::none_of(out, covers)) out.push_back({{any, 0}, host.address});
  }
  return out;
}

// One question for each address and half a second for its answer: the link is this machine's own,
// where the times of RFC 5227 1.1 and RFC 4862 5.1, for bridges that wake up, only delay.
ip::AddressCheckConfig short_check() {
  ip::AddressCheckConfig check;
  check.delay = 100_ms;
  check.solicitations = 1;
  check.solicitation_wait = 500_ms;
  check.probes = 1;
  check.announce_wait = 500_ms;
  return check;
}

std::unique_ptr<shard::Shard> shard_of(const DevicePlan& plan, shard::Config config) {
  config.stack.interfaces[0].addresses = plan.own;
  config.stack.interfaces[0].mtu = plan.mtu;
  config.stack.interfaces[0].ethernet = plan.ethernet;
  config.stack.routes = routes_by(plan.host);
  config.stack.neighbours.check = short_check();
  config.frames = std::clamp(kPoolOctets / plan.mtu, kFewestFrames, kMostFrames);
  auto shard = shard::Shard::make(config, device_of(plan));
  if (!shard) {
    throw Misuse(fmt::format("cannot {}: {}", shard.error().step, reason(shard.error().code)));
  }
  return std::move(*shard);
}

}  // namespace

void add_device_options(CLI::App& verb, DeviceOptions& into) {
  verb.add_option("--tun", into.tun,
                  "Name of the TUN interface that is made; it must be free [rapport0]");
  verb.add_option("--tap", into.tap,
                  "Instead of --tun: name of a TAP interface, which carries Ethernet frames. Each "
                  "--address\nis asked for once first, for half a second: one that another host "
                  "has is not used");
  verb.add_option("--address", into.addresses,
                  "An address of the stack with its prefix; may be repeated [10.77.0.2/24]")
      ->allow_extra_args(false);
  verb.add_option("--host-address", into.host_addresses,
                  "An address of the host on the interface, in a network of --address; may be "
                  "repeated\n[the first other address of that network: 10.77.0.1/24]")
      ->allow_extra_args(false);
  verb.add_option("--mtu", into.mtu, "Octets of the largest packet, 68 to 65535")
      ->capture_default_str();
  verb.add_option("--pcap", into.pcap, "Write every packet into this pcapng file");
  verb.add_option("--fault", into.fault,
                  "Make the road a bad one, such as loss=2%,delay=20ms,seed=7; loss, duplicate, "
                  "reorder,\ncorrupt, delay, jitter, reorder-delay, each also with in- or out- "
                  "before it for one way");
}

void add_backlog_option(CLI::App& verb, std::string& into) {
  verb.add_option("--backlog", into, "Connections that may wait to be accepted, 1 to 65535")
      ->capture_default_str();
}

uint32_t backlog_of(const std::string& text) {
  return static_cast<uint32_t>(whole_number("--backlog", text, 1, UINT16_MAX));
}

DevicePlan plan_of(const DeviceOptions& options) {
  DevicePlan plan;
  if (!options.tun.empty() && !options.tap.empty()) {
    throw Misuse(
        fmt::format("--tun {} and --tap {}: one of both is allowed", options.tun, options.tap));
  }
  if (!options.tap.empty()) {
    plan.ethernet = device::draw_mac(std::nullopt);
    if (!plan.ethernet) throw Misuse("--tap: cannot draw an address: getrandom(2) has no entropy");
  }
  plan.name = !options.tap.empty()   ? options.tap
              : !options.tun.empty() ? options.tun
                                     : kDefaultName;
  plan.pcap = options.pcap;
  if (const int code = plan.pcap.empty() ? 0 : trouble_of_capture(plan.pcap); code != 0) {
    throw cannot_capture(plan.pcap, code);
  }
  plan.mtu = static_cast<uint16_t>(whole_number("--mtu", options.mtu, kLeastMtu, UINT16_MAX));
  if (!options.fault.empty()) {
    auto fault = device::parse_faults(options.fault);
    if (!fault) throw Misuse(fmt::format("--fault {}: {}", options.fault, fault.error()));
    plan.fault = std::move(*fault);
  }
  plan.own = networks_of(kOwn, options.addresses);
  plan.host = networks_of(kHost, options.host_addresses);
  if (plan.own.empty() && plan.host.empty()) {
    plan.own = {{IpAddress::v4(10, 77, 0, 2), 24}};
  }
  fill_in(kHost, plan.host, plan.own);
  fill_in(kOwn, plan.own, plan.host);
  check_networks(kOwn, plan.own, kHost, plan.host);
  check_networks(kHost, plan.host, kOwn, plan.own);
  const auto is_v6 = [](const Cidr& c) { return !c.address.is_v4(); };
  if (plan.mtu < kLeastMtu6 && std::ranges::any_of(plan.own, is_v6)) {
    throw Misuse(
        fmt::format("--mtu {}: IPv6 takes at least {} (RFC 8200 5)", plan.mtu, kLeastMtu6));
  }
  return plan;
}

Network::Network(DevicePlan plan, shard::Config base)
    : plan_(std::move(plan)),
      two_msl_(base.stack.tcp.two_msl),
      shard_(shard_of(plan_, std::move(base))),
      context_(io_, *shard_) {
  if (plan_.ethernet) wait_for_addresses();
}

// On the loop itself, so that frames come and go meanwhile.
void Network::wait_for_addresses() {
  std::string trouble;
  net::signal_set signals(io_, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& failed, int) {
    if (!failed) trouble = "interrupted before the addresses were checked";
  });
  context_.on_device_gone([&] { trouble = "the interface has been deleted"; });
  bool wait = true;
  while (wait && trouble.empty()) {
    io_.restart();
    io_.run_for(kLook);
    wait = false;
    for (const Cidr& own : plan_.own) {
      const ip::AddressState state = shard_->stack().address_state(own.address);
      wait = wait || state == ip::AddressState::Tentative;
      if (state != ip::AddressState::Duplicate) continue;
      trouble = fmt::format("{} {}: another host on {} has this address", kOwn,
                            to_string(own.address), plan_.name);
    }
  }
  context_.on_device_gone({});
  signals.cancel();
  io_.restart();
  io_.poll();
  io_.restart();
  if (!trouble.empty()) throw Failure(trouble);
}

}  // namespace rapport::app
