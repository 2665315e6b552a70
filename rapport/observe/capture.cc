// Telling the conversations of a capture apart.
#include "rapport/observe/capture.hh"

#include "rapport/base/time.hh"
#include "rapport/observe/conversation.hh"
#include "rapport/observe/dissect.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace rapport::observe {

void Capture::packet(std::span<const uint8_t> kept, size_t length, Instant at) {
  ++packets_;
  const auto seen = dissect(kept, length, at);
  if (!seen) {
    ++no_segment_.at(static_cast<size_t>(seen.error()));
    return;
  }
  if (!began_) began_ = at;
  segment(*seen);
}

void Capture::segment(const SeenSegment& s) {
  const auto index = place(s);
  if (!index) {
    ++beyond_;
    return;
  }
  Keeping keeping = wanted_.keeping;
  if (!keeps_rows_[*index]) keeping.rows = 0;
  conversations_[*index].see(s, keeping);
}

std::optional<size_t> Capture::place(const SeenSegment& s) {
  const Key key = s.from < s.to ? Key{s.from, s.to} : Key{s.to, s.from};
  const auto found = latest_.find(key);
  if (found != latest_.end() && !conversations_[found->second].begins_anew(s)) return found->second;
  if (conversations_.size() >= wanted_.conversations) return std::nullopt;
  const size_t index = conversations_.size();
  conversations_.emplace_back(s);
  if (found != latest_.end()) conversations_.back().follow(conversations_[found->second]);
  latest_.insert_or_assign(key, index);
  const bool keep = is_wanted(index) && ladders_ < wanted_.ladders;
  if (keep) ++ladders_;
  keeps_rows_.push_back(keep);
  return index;
}

bool Capture::is_wanted(size_t index) const {
  if (wanted_.connection && *wanted_.connection != index + 1) return false;
  if (!wanted_.port) return true;
  const Conversation& c = conversations_[index];
  return c.end(0).port == *wanted_.port || c.end(1).port == *wanted_.port;
}

void Capture::finish() {
  for (size_t i = 0; i < conversations_.size(); ++i) {
    if (keeps_rows_[i]) conversations_[i].finish(wanted_.keeping);
  }
}

}  // namespace rapport::observe
