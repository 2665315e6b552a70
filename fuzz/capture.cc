// Fuzzes what `rapport ladder` reads: any octets as a capture (pcap, pcapng by libpcap, then our
// link layers, headers, conversations and the ladder drawn of them) or, where they begin as such,
// as lines of `demo --json`. A broken file is drawn as far as it can be read; what is drawn is
// bounded.
#include "rapport/observe/capture.hh"

#include "rapport/app/ladder_file.hh"
#include "rapport/app/ladder_records.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/assert.hh"
#include "rapport/observe/capture_ladder.hh"
#include "rapport/observe/ladder.hh"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::app {
namespace {

constexpr size_t kMostDrawn = size_t{4} * 1024 * 1024;

void try_capture(const uint8_t* data, size_t size) {
  observe::Wanted wanted;
  wanted.keeping.rows = 40;
  wanted.keeping.fold = size % 2 == 0;
  wanted.ladders = 4;
  wanted.conversations = 16;
  observe::Capture capture(wanted);
  File file(::fmemopen(const_cast<uint8_t*>(data), size, "rb"));
  if (!file) return;
  try {
    (void)read_capture(std::move(file), "input", capture);
  } catch (const Misuse&) {  // no capture, or of a link type that is not known
    return;
  }
  capture.finish();
  uint64_t segments = 0;
  const observe::CaptureStyle style{.width = 72 + size % 100, .ascii = size % 3 == 0};
  ASSERT(observe::capture_list(capture, style).size() < kMostDrawn);
  const auto& all = capture.conversations();
  ASSERT(all.size() <= wanted.conversations);
  for (size_t i = 0; i < all.size(); ++i) {
    ++segments;
    if (!capture.has_rows(i)) continue;
    ASSERT(observe::capture_ladder(all[i], capture.began(), style).size() < kMostDrawn);
  }
  ASSERT(segments <= capture.packets());
}

void try_lines(std::string_view text) {
  JsonStory story;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    try {
      story.take(std::string(text.substr(0, end)));
    } catch (const std::exception&) {
      break;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const observe::Story told = story.story();
  if (told.hosts.size() < 2) return;
  ASSERT(observe::ladder(told, {.ascii = true}).size() < kMostDrawn);
}

}  // namespace
}  // namespace rapport::app

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  if (data[0] == '{') {
    rapport::app::try_lines({reinterpret_cast<const char*>(data), size});
  } else {
    rapport::app::try_capture(data, size);
  }
  return 0;
}
