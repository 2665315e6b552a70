// The runner is proven before it judges: every mutant of every script that passes must fail. Prints
// how many of each class did, in each profile, and those that did not. Ends with 1 when a class has
// fewer than its share (99 % in strict and portable, 95 % in freebsd and linux) or no mutant at
// all, and when a script does not pass by itself. usage: play_mutants FOLDER... [--survivors]
#include "rapport/play/mutants.hh"

#include "rapport/base/time.hh"
#include "rapport/play/parse.hh"
#include "rapport/play/player.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/script.hh"
#include "rapport/play/setup.hh"
#include "rapport/play/verdict.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include <malloc.h>

namespace rapport::play {

namespace {

struct Share {
  uint64_t killed = 0, all = 0, ignored = 0;
};

using Shares = std::array<std::array<Share, kMutantClasses>, kProfiles.size()>;

struct Report {
  Shares shares{};
  std::vector<std::string> survivors;
  uint64_t scripts = 0, skipped = 0;
};

// A script without its last line, if that waits for a timer, is a shorter script, and as right.
bool is_shorter(const Mutant& m, const Script& script) {
  const When& when = script.events[m.at].when;
  return m.kind == MutantClass::MissingPacket && m.at + 1 == script.events.size()
         && (when.kind == When::Kind::Any || when.from > Duration{});
}

// Portable and what lies above it look at windows only where they are zero or on a RST.
bool is_ignored(const Mutant& m, const Script& script, Profile p) {
  if (is_shorter(m, script)) return true;
  if (p == Profile::Strict || m.kind != MutantClass::WrongWindow) return false;
  const Packet* packet = script.events[m.at].packet();
  const auto* tcp = packet == nullptr ? nullptr : std::get_if<TcpSegment>(&packet->body);
  return tcp != nullptr && tcp->window.value_or(0) != 0 && !tcp->flags.has(wire::kRst);
}

// What the runner allows a script's times.
Tolerance tolerance_of(const Script& script) {
  Tolerance t;
  if (const auto setup = set_up(script, false)) {
    t.fixed = setup->tolerance;
    t.permille = setup->tolerance_ppm / 1000;
  }
  return t;
}

void judge_mutants(const Script& script, Workshop& workshop, Report& report) {
  PlayOptions options;
  options.ladder = false;
  const auto all = mutants(script, tolerance_of(script));
  for (const Mutant& m : all) {
    const Script wrong = mutated(script, m);
    for (size_t p = 0; p < kProfiles.size(); ++p) {
      Share& share = report.shares[p][static_cast<size_t>(m.kind)];
      if (is_ignored(m, script, kProfiles[p])) {
        ++share.ignored;
        continue;
      }
      ++share.all;
      options.rules = Rules(kProfiles[p]);
      if (play(wrong, options, workshop).kind == Verdict::Kind::Fail) {
        ++share.killed;
        continue;
      }
      report.survivors.push_back(std::string(name(kProfiles[p])) + " " + script.file + ":"
                                 + std::to_string(m.place.line) + ": " + std::string(name(m.kind))
                                 + ": " + m.what);
    }
  }
}

void judge_file(const std::string& path, Workshop& workshop, Report& report) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto script = parse(text, {path, Dialect::Auto, {}});
  PlayOptions strict;
  strict.ladder = false;
  if (!script || !play(*script, strict, workshop).passed()) {
    ++report.skipped;
    return;
  }
  ++report.scripts;
  judge_mutants(*script, workshop, report);
}

void add(Report& to, const Report& from) {
  to.scripts += from.scripts;
  to.skipped += from.skipped;
  to.survivors.insert(to.survivors.end(), from.survivors.begin(), from.survivors.end());
  for (size_t p = 0; p < kProfiles.size(); ++p) {
    for (size_t c = 0; c < kMutantClasses; ++c) {
      to.shares[p][c].killed += from.shares[p][c].killed;
      to.shares[p][c].all += from.shares[p][c].all;
      to.shares[p][c].ignored += from.shares[p][c].ignored;
    }
  }
}

Report judge_all(const std::vector<std::string>& files) {
  const size_t threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  std::atomic<size_t> next = 0;
  std::vector<Report> reports(threads);
  {
    std::vector<std::jthread> all;
    for (Report& r : reports) {
      all.emplace_back([&files, &next, &r] {
        Workshop workshop;
        for (size_t i = next++; i < files.size(); i = next++) judge_file(files[i], workshop, r);
      });
    }
  }
  Report sum;
  for (const Report& r : reports) add(sum, r);
  std::ranges::sort(sum.survivors);
  return sum;
}

// Whether every class has its share.
bool print(const Report& report) {
  bool enough = true;
  std::printf("%-16s", "class");
  for (const Profile p : kProfiles) std::printf("%20s", std::string(name(p)).c_str());
  std::printf("\n");
  for (size_t c = 0; c < kMutantClasses; ++c) {
    std::printf("%-16s", std::string(name(static_cast<MutantClass>(c))).c_str());
    for (size_t p = 0; p < kProfiles.size(); ++p) {
      const Share& s = report.shares[p][c];
      const uint64_t needed = kProfiles[p] <= Profile::Portable ? 99 : 95;
      const bool missed = s.all == 0 || s.killed * 100 < s.all * needed;
      enough = enough && !missed;
      std::printf("%10llu/%-6llu%s  ", static_cast<unsigned long long>(s.killed),
                  static_cast<unsigned long long>(s.all), missed ? "!" : " ");
    }
    std::printf("\n");
  }
  return enough;
}

int run(const std::vector<std::string>& folders, bool survivors) {
  std::vector<std::string> files;
  for (const std::string& f : folders) {
    for (const auto& e : std::filesystem::recursive_directory_iterator(f)) {
      if (e.path().extension() == ".pkt") files.push_back(e.path().string());
    }
  }
  std::ranges::sort(files);
  const Report report = judge_all(files);
  if (survivors) {
    for (const std::string& s : report.survivors) std::printf("%s\n", s.c_str());
  }
  const bool enough = print(report);
  std::printf("%llu scripts, %llu that do not pass by themselves, %zu mutants passed\n",
              static_cast<unsigned long long>(report.scripts),
              static_cast<unsigned long long>(report.skipped), report.survivors.size());
  return enough && report.scripts > 0 && report.skipped == 0 ? 0 : 1;
}

}  // namespace

}  // namespace rapport::play

int main(int argc, char** argv) {
  // Worlds come and go by the hundred thousand: what one gives back the next one takes.
  (void)::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  (void)::mallopt(M_MMAP_THRESHOLD, 16 << 20);
  std::vector<std::string> folders(argv + 1, argv + argc);
  const bool survivors = std::erase(folders, "--survivors") != 0;
  return rapport::play::run(folders, survivors);
}
