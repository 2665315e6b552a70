// Runs the program inside the test: arguments in, exit status and what it printed out.
#pragma once

#include "rapport/app/verbs.hh"

#include <array>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

struct Outcome {
  int status = 0;
  std::string out, err;
};

inline Outcome rapport(const std::vector<std::string>& arguments) {
  static constexpr std::array kVerbs{Verb{"demo", add_demo}, Verb{"ladder", add_ladder}};
  std::vector<const char*> argv{"rapport"};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome o;
  o.status = run(kVerbs, static_cast<int>(argv.size()), argv.data());
  o.out = testing::internal::GetCapturedStdout();
  o.err = testing::internal::GetCapturedStderr();
  return o;
}

inline std::vector<std::string> lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string l; std::getline(in, l);) out.push_back(l);
  return out;
}

// The trace of a scenario, a parsed record each.
class Trace {
 public:
  explicit Trace(const std::string& scenario, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"demo", scenario, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome o = rapport(arguments);
    EXPECT_EQ(o.status, 0) << o.err;
    for (const std::string& l : lines(o.out)) records_.push_back(nlohmann::json::parse(l));
  }

  [[nodiscard]] const std::vector<nlohmann::json>& records() const { return records_; }

  // "CLOSED SYN-SENT ESTABLISHED ...": the states of a host's connections, listeners apart.
  [[nodiscard]] std::string path(const std::string& host) const {
    std::string out, last;
    for (const auto& r : records_) {
      if (r["host"] != host || r["kind"] != "transition" || r["event"] == "passive open") continue;
      if (r["from"] != last) out += (out.empty() ? "" : " | ") + r["from"].get<std::string>();
      last = r["to"].get<std::string>();
      out += " " + last;
    }
    return out;
  }

  // Records of this host and kind in which each of these fields has this value.
  [[nodiscard]] std::vector<nlohmann::json> all(const std::string& host, const std::string& kind,
                                                const nlohmann::json& fields = {}) const {
    std::vector<nlohmann::json> out;
    for (const auto& r : records_) {
      if (r["host"] != host || r["kind"] != kind) continue;
      bool same = true;
      for (const auto& [key, value] : fields.items())
        same = same && r.contains(key) && r[key] == value;
      if (same) out.push_back(r);
    }
    return out;
  }

  // Flags of what a host sent, in order.
  [[nodiscard]] std::vector<std::string> sent(const std::string& host) const {
    std::vector<std::string> out;
    for (const auto& r : all(host, "segment", {{"direction", "sent"}})) out.push_back(r["flags"]);
    return out;
  }

 private:
  std::vector<nlohmann::json> records_;
};

}  // namespace rapport::app
