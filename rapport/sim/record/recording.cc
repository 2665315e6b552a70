// Writing down what stacks are asked. Every record is whole before the next begins; a process that
// ends in the middle of an input leaves what it was asked.
#include "rapport/sim/record/recording.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/record/answers.hh"
#include "rapport/sim/record/format.hh"
#include "rapport/sim/record/put.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::sim {

namespace {

// Fingerprints::Bounded: an input's share of a fingerprint is that of so many connections.
constexpr uint32_t kShare = 16;

}  // namespace

// What listens to one stack.
class Recording::Ear final : public stack::Recorder {
 public:
  Ear(Recording& recording, uint32_t host, RecordedHost about)
      : recording_(recording), host_(host), about_(std::move(about)) {}

  void set_about(const RecordedHost& about) { about_ = about; }

  void begins(const stack::Stack& stack, const FramePool& frames) override;
  void before(const stack::Asked& asked, Instant now) override;
  void after(const stack::Answer& answer) override;

 private:
  void put_burst(Put& put, const stack::Receiving& r) const;

  Recording& recording_;
  uint32_t host_;
  RecordedHost about_;
  const stack::Stack* stack_ = nullptr;
  const FramePool* frames_ = nullptr;
  Instant last_{};
  uint32_t skipped_ = 0;   // inputs since the last fingerprint
  bool is_input_ = false;  // what is under way
};

Recording::Recording(const RecordingAbout& about) {
  write_about(about);
}

Recording::Recording(const RecordingAbout& about, Sink sink, Fingerprints fingerprints,
                     size_t block)
    : sink_(std::move(sink)), fingerprints_(fingerprints), block_(block) {
  octets_.reserve(block_ + (size_t{64} << 10));
  write_about(about);
}

Recording::~Recording() {
  if (records_ != nullptr) records_->forget(*this);
}

void Recording::write_about(const RecordingAbout& about) {
  octets_.assign(kRecordingMagic.begin(), kRecordingMagic.end());
  Put put(octets_);
  put.fixed(kRecordingVersion);
  octets_.resize(kRecordingHead);
  sealed_ = octets_.size();
  crc_ = crc32(octets_);
  begin(RecordKind::About);
  put(about.program, about.seed, about.asked, about.rules_off);
  seal();
}

void Recording::begin(RecordKind kind) {
  octets_.push_back(static_cast<uint8_t>(kind));
  octets_.resize(octets_.size() + kRecordHead - 1);
}

void Recording::seal() {
  const size_t length = octets_.size() - sealed_ - kRecordHead;
  ASSERT(length <= kLongestRecord);
  const std::span<uint8_t> head = std::span(octets_).subspan(sealed_, kRecordHead);
  for (size_t i = 0; i < 4; ++i) head[1 + i] = static_cast<uint8_t>(length >> 8 * i);
  head[5] = head_check(head.first<5>());
  crc_ = crc32(std::span(octets_).subspan(sealed_), crc_);
  Put(octets_).fixed(crc_);
  crc_ = crc32(std::span(octets_).last(kRecordTail), crc_);
  sealed_ = octets_.size();
  if (sink_ && sealed_ >= block_) flush();
}

void Recording::flush() {
  if (!sink_ || sealed_ == 0) return;
  sink_(pending());
  octets_.clear();
  sealed_ = 0;
}

std::span<const uint8_t> Recording::finish() {
  if (!over_) {
    begin(RecordKind::End);
    Put(octets_).number(inputs_);
    seal();
    flush();
    over_ = true;
  }
  return pending();
}

stack::Recorder& Recording::host(uint32_t h, const RecordedHost& about) {
  while (ears_.size() <= h) ears_.push_back(nullptr);
  if (ears_[h] == nullptr) {
    ears_[h] = std::make_unique<Ear>(*this, h, about);
  } else {
    ears_[h]->set_about(about);
  }
  return *ears_[h];
}

bool Recording::wants_fingerprint(const stack::Stack& stack, uint32_t& skipped) const {
  if (fingerprints_ == Fingerprints::Every) return true;
  const stack::Stack::Population p = stack.population();
  const uint32_t alive = p.connections + p.half_open + p.time_wait + p.datagram_sockets;
  if (++skipped < alive / kShare) return false;
  skipped = 0;
  return true;
}

void Recording::wire(const WireRecord& wire) {
  if (over_) return;
  begin(RecordKind::Wire);
  Put{octets_}(wire);
  seal();
}

void Recording::fate(uint64_t index, Fate fate) {
  if (over_) return;
  begin(RecordKind::Fate);
  Put{octets_}(index, fate);
  seal();
}

void Recording::gathered(uint32_t h) {
  if (over_) return;
  begin(RecordKind::Gathered);
  Put{octets_}(h);
  seal();
}

void Recording::gone(uint32_t h) {
  if (over_) return;
  begin(RecordKind::Gone);
  Put{octets_}(h);
  seal();
}

void Recording::remark(const Note& note) {
  if (over_) return;
  begin(RecordKind::Remark);
  Put{octets_}(note.host, note.at, note.text, note.forgets, note.closes);
  seal();
}

void Recording::ladder(uint32_t left, uint32_t right) {
  if (over_) return;
  begin(RecordKind::Ladder);
  Put{octets_}(left, right);
  seal();
}

void Recording::Ear::begins(const stack::Stack& stack, const FramePool& frames) {
  if (recording_.over_) return;
  stack_ = &stack;
  frames_ = &frames;
  last_ = {};
  skipped_ = 0;
  recording_.begin(RecordKind::Host);
  Put put(recording_.octets_);
  put(host_, about_.name, about_.trace_records, about_.snap_length);
  put(frames.available() + frames.in_use(), frames.buffer_size(), stack.config());
  recording_.seal();
}

void Recording::Ear::before(const stack::Asked& asked, Instant now) {
  if (recording_.over_) return;
  is_input_ = asked.index() < stack::kInputsAsked;
  if (is_input_) ++recording_.inputs_;
  recording_.begin(RecordKind::Asked);
  Put put(recording_.octets_);
  put(host_, static_cast<uint8_t>(asked.index()), now - std::exchange(last_, now),
      frames_->available());
  std::visit(
      [&]<class T>(const T& what) {
        if constexpr (std::is_same_v<T, stack::Receiving>) {
          put_burst(put, what);
        } else {
          put(what);
        }
      },
      asked);
  recording_.seal();
}

void Recording::Ear::put_burst(Put& put, const stack::Receiving& r) const {
  put(r.interface);
  put.number(r.burst.size());
  for (const Frame& frame : r.burst) {
    put(frames_->owns(frame), frame.serial);
    put.octets(frame.bytes());
  }
}

void Recording::Ear::after(const stack::Answer& answer) {
  if (recording_.over_) return;
  std::optional<uint64_t> fingerprint;
  if (is_input_ && recording_.wants_fingerprint(*stack_, skipped_))
    fingerprint = stack_->fingerprint();
  recording_.begin(RecordKind::Answered);
  Put put(recording_.octets_);
  put_answer(put, answer, fingerprint);
  recording_.seal();
}

}  // namespace rapport::sim
