// One line of `demo --json` as the record that it was written from: observe/json.hh backwards.
// docs/json.md names the fields.
#pragma once

#include "rapport/base/wire_record.hh"
#include "rapport/observe/story.hh"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::app {

// The story that lines tell, as it grows. story() is a view of it.
class JsonStory {
 public:
  // Takes a line. Throws std::runtime_error, in words for people, for one that is none of ours;
  // what was taken before stays.
  void take(const std::string& line);

  [[nodiscard]] observe::Story story() const;

  [[nodiscard]] size_t size() const { return records_.size() + wires_.size() + remarks_.size(); }

 private:
  void take_record(const std::string& line);
  [[nodiscard]] uint32_t host(const std::string& name);

  std::vector<std::string> hosts_;
  std::vector<HostRecord> records_;
  std::vector<WireRecord> wires_;
  std::vector<observe::Remark> remarks_;
};

}  // namespace rapport::app
