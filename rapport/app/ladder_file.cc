// Opening captures and going through their packets.
#include "rapport/app/ladder_file.hh"

#include "rapport/app/ladder_links.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/capture.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <pcap/dlt.h>
#include <pcap/pcap.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {

namespace {

struct ClosePcap {
  void operator()(pcap_t* p) const noexcept { pcap_close(p); }
};

using Pcap = std::unique_ptr<pcap_t, ClosePcap>;

Pcap open_capture(File file, const std::string& name) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  Pcap pcap(
      pcap_fopen_offline_with_tstamp_precision(file.get(), PCAP_TSTAMP_PRECISION_NANO, why.data()));
  if (!pcap) {
    throw Misuse(fmt::format("{}: no capture (pcap, pcapng) and no lines of demo --json: {}", name,
                             why.data()));
  }
  (void)file.release();  // pcap_close() closes it
  const int link = pcap_datalink(pcap.get());
  if (!is_known_link(link)) {
    const char* known = pcap_datalink_val_to_name(link);
    throw Misuse(fmt::format("{}: a capture of link type {}; what can be read are {}", name,
                             known != nullptr ? known : std::to_string(link), known_links()));
  }
  return pcap;
}

Instant time_of(const timeval& t) {
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr int64_t kLatest = INT64_MAX / kSecond - 1;
  const int64_t s = std::clamp<int64_t>(t.tv_sec, 0, kLatest);
  return Instant{s * kSecond + std::clamp<int64_t>(t.tv_usec, 0, kSecond - 1)};
}

}  // namespace

File open_input(const std::string& path) {
  if (path == "-") {
    File in(::fdopen(::dup(STDIN_FILENO), "rb"));
    if (!in) throw Misuse(fmt::format("-: {}", std::system_category().message(errno)));
    return in;
  }
  File in(std::fopen(path.c_str(), "rbe"));
  if (!in) throw Misuse(fmt::format("{}: {}", path, std::system_category().message(errno)));
  struct stat about{};
  if (::fstat(::fileno(in.get()), &about) == 0 && S_ISDIR(about.st_mode))
    throw Misuse(fmt::format("{}: is a folder, not a capture", path));
  return in;
}

bool holds_json(std::FILE* file) {
  const int first = std::fgetc(file);
  if (first != EOF) (void)std::ungetc(first, file);
  return first == '{';
}

std::string read_capture(File file, const std::string& name, observe::Capture& capture) {
  const Pcap pcap = open_capture(std::move(file), name);
  const int link = pcap_datalink(pcap.get());
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  while (true) {
    const int got = pcap_next_ex(pcap.get(), &header, &data);
    if (got == PCAP_ERROR_BREAK) return {};
    if (got < 0) return pcap_geterr(pcap.get());
    const std::span<const uint8_t> frame(data, header->caplen);
    const auto offset = ip_offset(link, frame);
    if (!offset) {
      capture.other_packet();
      continue;
    }
    const size_t length = std::max<size_t>(header->len, header->caplen);
    capture.packet(frame.subspan(*offset), length - *offset, time_of(header->ts));
  }
}

}  // namespace rapport::app
