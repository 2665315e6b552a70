// The programs of an explored world: a client that opens, talks and parts as the scenario says, and
// a server that does its part with every connection it accepts. They note what they saw; what it
// means is judged elsewhere. A host that crashed begins anew, from the same port.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/waiting.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace rapport::sim::explore {

// One connection as one end's program saw it.
struct Line {
  enum class At : uint8_t { Opening, Talking, Reading, Ending, Ended, Crashed };
  HostId host = kClient;
  At at = At::Opening;
  bool opened = false;
  Seq iss, irs;  // once opened
  bool wrote = false, finished = false, end_of_file = false;
  std::vector<uint8_t> heard;
  std::optional<Error> error;
  CloseReason reason = CloseReason::None;
  uint8_t octet = 0;  // what this end writes, `length` times
  uint32_t length = 1;
  int partner = -1;  // the line of the other end with the same numbers
  coroutine::Stream stream;

  [[nodiscard]] bool over() const { return at >= At::Ended; }
};

// The i-th octet of those that `line` heard is not what the other end of its connection wrote
// there, or there is no other end.
[[nodiscard]] bool is_strange(const std::deque<Line>& lines, const Line& line, size_t i);

// Told by the programs at once.
class Listening {
 public:
  virtual ~Listening() = default;
  virtual void opened(const Line& line) = 0;
  virtual void wrote(const Line& line) = 0;
  virtual void read(const Line& line, uint8_t octet) = 0;
};

class Programs {
 public:
  Programs(World& world, Scenario scenario, Parting parting, const Shape& shape,
           Listening& listening);
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  void start(HostId h);
  // The host has crashed: what its programs were at is no more.
  void crashed(HostId h);

  // Both hosts' programs end here, and close what they had open.
  void kill();

  [[nodiscard]] const std::deque<Line>& lines() const { return lines_; }

  // Every connection that anybody opened or accepted has come to its end, and the client wants no
  // more.
  [[nodiscard]] bool over() const;
  // `close` begins when both ends are ESTABLISHED; everything else at once.
  [[nodiscard]] bool begun() const;
  // Where the programs are, for merging worlds.
  [[nodiscard]] uint64_t position() const;

 private:
  coroutine::Task<> client();
  coroutine::Task<> server();
  coroutine::Task<> serves(Line& line);
  coroutine::Task<> talks(Line& line);
  coroutine::Task<> reads(Line& line, bool to_the_end);
  coroutine::Task<> writes(Line& line);
  coroutine::Task<> parts(Line& line);
  coroutine::Task<> together(Line& line);
  void shuts(Line& line);
  Line& open(HostId h, coroutine::Stream stream);
  void note_opened(Line& line);
  [[nodiscard]] bool begins(const Line& line) const;

  World* world_;
  Scenario scenario_;
  Parting parting_;
  Shape shape_;
  Listening* listening_;
  std::deque<Line> lines_;
  coroutine::Gate established_;
  uint8_t rounds_left_;
  uint8_t crashes_ = 0;
};

}  // namespace rapport::sim::explore
