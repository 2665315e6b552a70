// Lines like those of `ss -tanoi`, and below each the sentence that ss does not have.
#include "rapport/app/status_text.hh"

#include "rapport/app/status_report.hh"
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/device/device.hh"
#include "rapport/observe/names.hh"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rapport::app {
namespace {

using Json = nlohmann::ordered_json;
using Cells = std::array<std::string, 7>;

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// "10.0.0.1:80" and "[::1]:80".
std::optional<Endpoint> endpoint_of(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string_view number = text.substr(colon + 1);
  const auto address = parse_address(host);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
  if (!address || error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  return Endpoint{*address, port};
}

bool matches(const StatusFilter& f, const Json& row) {
  const std::string state = row.value("state", "");
  const auto is_it = [&](const std::string& s) { return same_word(s, state); };
  if (!f.states.empty() && std::ranges::none_of(f.states, is_it)) return false;
  const auto local = endpoint_of(row.value("local", ""));
  const auto remote = endpoint_of(row.value("remote", ""));
  if (f.port && (!local || local->port != *f.port) && (!remote || remote->port != *f.port)) {
    return false;
  }
  return !f.peer || (remote && f.peer->contains(remote->address));
}

std::string length_of(const Json& row, const char* key) {
  if (!row.contains(key)) return "-";
  return observe::length_words(Duration{row[key].get<int64_t>() * 1'000'000});
}

std::string number_of(const Json& row, const char* key) {
  return row.contains(key) ? row[key].dump() : "-";
}

Cells cells_of(const Json& row) {
  std::string timer = "-";
  if (row.contains("timer")) {
    timer = row.value("timer", "") + " in " + length_of(row, "timer_ms");
  }
  const bool listener = row.contains("backlog_waiting");
  return {row.value("state", ""),
          number_of(row, listener ? "backlog_waiting" : "receive_queue"),
          number_of(row, "send_queue"),
          row.value("local", ""),
          row.value("remote", ""),
          length_of(row, "age_ms"),
          timer};
}

double ms_of(const Json& row, const char* key) {
  return static_cast<double>(row.value(key, int64_t{0})) / 1000;
}

// rtt, cwnd and so on; empty for what has none.
std::string numbers_of(const Json& row) {
  if (!row.contains("cwnd")) return {};
  std::string out =
      fmt::format("rtt {:.3f}/{:.3f} ms, rto {:.0f} ms, cwnd {}, ", ms_of(row, "srtt_us"),
                  ms_of(row, "rttvar_us"), ms_of(row, "rto_us"), number_of(row, "cwnd"));
  const bool slow_start = row["ssthresh"].get<uint64_t>() >= UINT32_MAX / 2;
  if (!slow_start) out += fmt::format("ssthresh {}, ", number_of(row, "ssthresh"));
  out += fmt::format("mss {}, windows {} and {}, unacknowledged {}, resent {}",
                     number_of(row, "mss"), number_of(row, "snd_wnd"), number_of(row, "rcv_wnd"),
                     number_of(row, "unacknowledged"), number_of(row, "resent"));
  if (row.value("out_of_order", 0) > 0) {
    out += fmt::format(", out of order {}", number_of(row, "out_of_order"));
  }
  if (row.contains("snd_shift")) {
    out += fmt::format(", wscale {},{}", number_of(row, "snd_shift"), number_of(row, "rcv_shift"));
  }
  if (row.value("sack", false)) out += ", sack";
  const std::string trouble = row.value("soft_error", "none");
  if (trouble != "none") out += ", ICMP told: " + trouble;
  if (row.value("timestamps", false)) out += ", timestamps";
  if (row.contains("heard_ms")) out += ", last heard " + length_of(row, "heard_ms") + " ago";
  return out;
}

// "a 1, b 2", or "none".
std::string counts_of(const Json& document, const char* key) {
  std::string out;
  if (!document.contains(key)) return "none";
  for (const auto& [name, count] : document[key].items()) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, count.dump());
  }
  return out.empty() ? "none" : out;
}

std::string words_of_device(const Json& device) {
  constexpr std::array kTroubles{"read_errors", "write_errors", "starved", "waits_for_room",
                                 "lost_by_faults"};
  std::string out = fmt::format("{} packets in, {} out", number_of(device, "frames_in"),
                                number_of(device, "frames_out"));
  const char* before = "; ";
  for (const char* const key : kTroubles) {
    if (device.value(key, 0) == 0) continue;
    std::string words = key;
    std::ranges::replace(words, '_', ' ');
    out += fmt::format("{}{} {}", std::exchange(before, ", "), words, number_of(device, key));
  }
  return out;
}

std::string table_of(const Json& rows) {
  std::vector<Cells> lines{{"State", "Recv-Q", "Send-Q", "Local", "Peer", "Age", "Timer"}};
  for (const Json& row : rows) lines.push_back(cells_of(row));
  std::array<size_t, 7> width{};
  for (const Cells& cells : lines) {
    for (size_t i = 0; i < cells.size(); ++i) width[i] = std::max(width[i], cells[i].size());
  }
  std::string out;
  for (size_t n = 0; n < lines.size(); ++n) {
    std::string line;
    for (size_t i = 0; i < width.size(); ++i) {
      fmt::format_to(std::back_inserter(line), "{:<{}}  ", lines[n][i], width[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
    if (n == 0) continue;
    const Json& row = rows[n - 1];
    out += fmt::format("    {}\n", row.value("why", ""));
    if (const std::string numbers = numbers_of(row); !numbers.empty()) {
      out += fmt::format("    {}\n", numbers);
    }
  }
  return out;
}

}  // namespace

void keep_matching(const StatusFilter& filter, Json& document) {
  Json left = Json::array();
  for (Json& row : document["connections"]) {
    if (matches(filter, row)) left.push_back(std::move(row));
  }
  document["connections"] = std::move(left);
}

std::string status_text(const Json& document) {
  std::string out = table_of(document["connections"]);
  if (document.value("omitted", 0) > 0) {
    out += fmt::format("and {} more that are not told\n", number_of(document, "omitted"));
  }
  out += fmt::format("\nstates: {}\n", counts_of(document, "states"));
  out += fmt::format("ended, by reason: {}\n", counts_of(document, "ended"));
  out += fmt::format("dropped, by reason: {}\n", counts_of(document, "drops"));
  if (document.contains("device")) {
    out += fmt::format("interface: {}\n", words_of_device(document["device"]));
  }
  if (document.contains("http")) {
    out += fmt::format("requests: {}; answers, by status: {}\n",
                       number_of(document["http"], "requests"),
                       counts_of(document["http"], "answers"));
  }
  if (document.value("trace_lost", 0) > 0) {
    out += fmt::format("{} records of the trace were lost: some causes are not known\n",
                       number_of(document, "trace_lost"));
  }
  return out;
}

std::string device_text(const device::Counters& counters) {
  return words_of_device(device_report(counters));
}

}  // namespace rapport::app
