// A trace as JSON, one object a line: `t_ns`, `host`, `kind`, then the fields of that kind in a
// fixed order. Numbers are integers. Frames that the wire did not simply deliver are lines of kind
// "wire", what no trace holds lines of kind "remark".
#pragma once

#include "rapport/base/wire_record.hh"
#include "rapport/observe/story.hh"

#include <string>

namespace rapport::observe {

// One record, without a line end. `host` is its host's name.
[[nodiscard]] std::string json_line(const HostRecord& r, std::string_view host);
// The whole story in order, each line ended by '\n'.
[[nodiscard]] std::string json(const Story& story);

}  // namespace rapport::observe
