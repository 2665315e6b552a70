// Medians, the table and the JSON lines.
#include "report.hh"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include <sched.h>

namespace rapport::bench {

namespace {

struct Summary {
  double value = 0, least = 0, most = 0, peer = 0;
};

Summary summary_of(const Figure& f) {
  std::vector<double> values;
  std::vector<double> peers;
  for (const Sample& s : f.samples) {
    values.push_back(s.value);
    peers.push_back(s.peer);
  }
  const auto [least, most] = std::ranges::minmax(values);
  return {median(values), least, most, median(peers)};
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void print_heading() {
  std::printf("%-38s %14s %-7s %14s %8s %5s %14s %14s  %s\n", "name", "median", "unit", "peer's",
              "ratio", "runs", "least", "most", "peer");
}

void print_row(const Figure& f) {
  const Summary s = summary_of(f);
  std::printf("%-38s %14.6g %-7s ", f.name.c_str(), s.value, f.unit.c_str());
  if (f.peer.empty()) {
    std::printf("%14s %8s ", "-", "-");
  } else {
    std::printf("%14.6g %8.2f ", s.peer, s.value / s.peer);
  }
  std::printf("%5zu %14.6g %14.6g  %s\n", f.samples.size(), s.least, s.most, f.peer.c_str());
  (void)std::fflush(stdout);
}

void print_json(const Figure& f) {
  const Summary s = summary_of(f);
  std::printf(R"({"name":"%s","value":%.10g,"unit":"%s",)", f.name.c_str(), s.value,
              f.unit.c_str());
  if (f.peer.empty()) {
    std::printf(R"("peer":null,"peer_value":null,"ratio":null,)");
  } else {
    std::printf(R"("peer":"%s","peer_value":%.10g,"ratio":%.6g,)", f.peer.c_str(), s.peer,
                s.value / s.peer);
  }
  std::printf("\"runs\":%zu,\"min\":%.10g,\"max\":%.10g}\n", f.samples.size(), s.least, s.most);
  (void)std::fflush(stdout);
}

double seconds() {
  timespec t{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

int pin_to_one_core() {
  const int core = std::max(0, ::sched_getcpu());
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  return ::sched_setaffinity(0, sizeof only, &only) == 0 ? core : -1;
}

}  // namespace rapport::bench
