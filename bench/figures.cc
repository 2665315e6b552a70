// The figures of the stack in memory, each beside the kernel's over loopback in the same run, both
// ends on one core. See bench/run.
#include "rapport/base/seq.hh"
#include "rapport/tcp/connection.hh"
#include "rapport/tcp/transfer.hh"
#include "report.hh"
#include "work.hh"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::bench {

namespace {

struct Wish {
  bool json = false;
  bool peer = true;
  uint32_t runs = 5;
  uint32_t part = 1;  // one such part of the usual work: for profilers that slow it down
  std::string only;   // names that contain this
};

class Show {
 public:
  explicit Show(const Wish& wish) : wish_(wish) {
    if (!wish.json) print_heading();
  }

  [[nodiscard]] bool wanted(std::string_view name) const {
    return name.find(wish_.only) != std::string_view::npos;
  }

  [[nodiscard]] uint32_t part() const { return wish_.part; }

  // Our run and the peer's, by turns.
  template <class Ours, class Peers>
  void compare(const std::string& name, const std::string& unit, Ours&& ours, Peers&& peers) {
    Figure f{name, unit, wish_.peer ? "linux_loopback" : "", {}};
    for (uint32_t i = 0; i < wish_.runs; ++i) {
      const double value = ours();
      f.samples.push_back({value, wish_.peer ? peers() : 0.0});
    }
    show(f);
  }

  template <class Ours>
  void measure(const std::string& name, const std::string& unit, Ours&& ours) {
    Figure f{name, unit, "", {}};
    for (uint32_t i = 0; i < wish_.runs; ++i) f.samples.push_back({ours(), 0});
    show(f);
  }

  void state(const std::string& name, const std::string& unit, double value) {
    show({name, unit, "", {{value, 0}}});
  }

  void remark(const char* text) const {
    if (!wish_.json) std::printf("%s\n", text);
  }

 private:
  void show(const Figure& f) {
    if (wish_.json) {
      print_json(f);
    } else {
      print_row(f);
    }
  }

  Wish wish_;
};

void show_lifecycles(Show& show) {
  const uint32_t ours = 300'000 / show.part();
  constexpr uint32_t kPeers = 5'000;
  Lifecycles work;
  show.compare(
      "lifecycle_memory", "1/s", [&] { return work.run(ours); },
      [] { return loopback_lifecycles(kPeers); });
  show.state("lifecycle_memory_time_waits_alive", "count", work.least_time_waits());
  show.state("lifecycle_memory_tuples_reused_early", "count",
             static_cast<double>(work.early_reuses()));
  show.state("lifecycle_memory_segments", "count", work.segments_per_lifecycle());
  show.state("lifecycle_memory_burst", "count", work.segments_per_burst());
}

std::string kib(ByteCount n) {
  return std::to_string(n.v / 1024) + "KiB";
}

constexpr ByteCount kBestWindow = 128_KiB;

void show_bulk(Show& show, bool own) {
  const uint64_t ours = (uint64_t{1} << 30) / show.part();
  constexpr uint64_t kPeers = uint64_t{256} << 20;
  const std::string name = "bulk_memory_mss1460";
  const BulkKind best{.window = kBestWindow};
  (void)bulk(best, uint64_t{64} << 20, true);  // is the text right?
  if (own) set_loopback(1500, false);
  show.compare(
      name, "Gbit/s", [&] { return bulk(best, ours, false); },
      [] { return loopback_bulk(kPeers); });
  for (const ByteCount w : {64_KiB, 128_KiB, 256_KiB, 512_KiB, 1024_KiB}) {
    show.measure(name + "_window_" + kib(w), "Gbit/s",
                 [&] { return bulk({.window = w}, ours, false); });
  }
  (void)bulk({.window = kBestWindow, .copying = true}, uint64_t{64} << 20, true);
  show.measure(name + "_copying", "Gbit/s",
               [&] { return bulk({.window = kBestWindow, .copying = true}, ours, false); });
  show.measure(name + "_ack_every_second", "Gbit/s",
               [&] { return bulk({.window = kBestWindow, .every_second = true}, ours, false); });
  if (own) set_loopback(65'536, true);
}

void show_pingpong(Show& show) {
  const uint32_t ours = 1'000'000 / show.part();
  show.compare(
      "pingpong_memory", "1/s", [ours] { return pingpong(ours); },
      [] { return loopback_pingpong(30'000); });
}

void show_sizes(Show& show) {
  show.state("sizeof_connection", "bytes", sizeof(tcp::Connection));
  show.state("sizeof_half_open", "bytes", sizeof(tcp::HalfOpen));
  show.state("sizeof_time_wait", "bytes", sizeof(tcp::TimeWait));
  show.state("sizeof_transfer", "bytes", sizeof(tcp::Transfer));
  show.state("sizeof_extras", "bytes", sizeof(tcp::Extras));
}

void show_scripts(Show& show) {
  const uint32_t count = 20'000 / show.part();
  show.measure("scripts", "1/s", [count] { return scripts(count); });
}

int usage() {
  (void)std::fprintf(
      stderr,
      "usage: bench/run [--json] [--runs N (1 .. 99)] [--part N (1 .. 1000)] [--only NAME] "
      "[--no-peer]\n");
  return 2;
}

// A whole number of [1, most].
bool read_number(const char* text, long most, uint32_t& number) {
  const long n = std::strtol(text, nullptr, 10);
  if (n < 1 || n > most) return false;
  number = static_cast<uint32_t>(n);
  return true;
}

bool read_option(std::string_view name, const char* value, Wish& wish) {
  if (name == "--runs") return read_number(value, 99, wish.runs);
  if (name == "--part") return read_number(value, 1000, wish.part);
  if (name != "--only") return false;
  wish.only = value;
  return true;
}

bool read(int argc, char** argv, Wish& wish) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view a = argv[i];
    if (a == "--json") {
      wish.json = true;
    } else if (a == "--no-peer") {
      wish.peer = false;
    } else if (i + 1 < argc && read_option(a, argv[i + 1], wish)) {
      ++i;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

}  // namespace rapport::bench

int main(int argc, char** argv) {
  using namespace rapport::bench;
  Wish wish;
  if (!read(argc, argv, wish)) return usage();
  const int core = pin_to_one_core();
  const bool own = wish.peer && enter_own_loopback();
  Show show(wish);
  if (show.wanted("lifecycle_memory")) show_lifecycles(show);
  if (show.wanted("bulk_memory_mss1460")) show_bulk(show, own);
  if (show.wanted("pingpong_memory")) show_pingpong(show);
  if (show.wanted("scripts")) show_scripts(show);
  if (show.wanted("sizeof")) show_sizes(show);
  show.remark("time: what this thread had of its one core, system calls included");
  if (core < 0) show.remark("not pinned to one core: figures of two may be mixed");
  if (wish.peer && !own) {
    show.remark("the host's loopback as it is: its MTU and offload make the peer's bulk larger");
  }
  return 0;
}
