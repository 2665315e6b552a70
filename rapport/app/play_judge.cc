// Files to verdicts.
#include "rapport/app/play_judge.hh"

#include "rapport/app/play_files.hh"
#include "rapport/play/judge.hh"
#include "rapport/play/place.hh"
#include "rapport/play/player.hh"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <expected>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rapport::app {

namespace {

// Results as they come, told in order.
class InOrder {
 public:
  InOrder(std::span<const std::string> files, const TellResult& tell)
      : files_(files), tell_(&tell) {}

  void add(size_t at, PlayResult result) {
    const std::scoped_lock lock(mutex_);
    waiting_.emplace(at, std::move(result));
    while (!waiting_.empty() && waiting_.begin()->first == next_) {
      (*tell_)(files_[next_], waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      ++next_;
    }
  }

 private:
  std::span<const std::string> files_;
  const TellResult* tell_;
  std::mutex mutex_;
  std::map<size_t, PlayResult> waiting_;  // those before them are still judged
  size_t next_ = 0;
};

PlayResult judge_file(const std::string& file, const play::JudgeOptions& options,
                      play::Workshop& workshop) {
  const auto text = read_script(file);
  if (!text) {
    return std::unexpected(play::SyntaxError{.file = file,
                                             .place = {.line = 1, .column = 1},
                                             .expected = "a file that can be read",
                                             .found = text.error(),
                                             .line_text = {}});
  }
  return play::judge(*text, file, options, workshop);
}

}  // namespace

void judge_files(std::span<const std::string> files, const play::JudgeOptions& options, size_t jobs,
                 const TellResult& tell) {
  InOrder results(files, tell);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    play::Workshop workshop;
    for (size_t i = next++; i < files.size(); i = next++) {
      results.add(i, judge_file(files[i], options, workshop));
    }
  };
  std::vector<std::jthread> helpers;
  for (size_t i = 1; i < std::min(jobs, files.size()); ++i) helpers.emplace_back(work);
  work();
}

}  // namespace rapport::app
