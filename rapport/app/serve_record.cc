// The file of a live recording, and the last words of a process that dies.
#include "rapport/app/serve_record.hh"

#include "rapport/app/recording_file.hh"
#include "rapport/app/verbs.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/stack/recording.hh"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {

namespace {

constexpr size_t kBlock = size_t{256} << 10;
constexpr std::chrono::seconds kLongestInBuffer{1};
constexpr std::array kDeaths{SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

struct LastWords {
  const sim::Recording* recording = nullptr;
  int file = -1;
};

LastWords last_words;  // of the process; a signal handler has no other way to know

// The handler is gone by now (SA_RESETHAND): the process then dies as it would have.
void say_last_words(int signal) {
  const LastWords words = std::exchange(last_words, {});
  uint64_t written = 0;
  if (words.recording != nullptr && !words.recording->over())
    (void)write_all(words.file, words.recording->pending(), written);
  (void)::raise(signal);
}

void listen_for_death() {
  struct sigaction action{};
  action.sa_handler = say_last_words;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : kDeaths) (void)::sigaction(signal, &action, nullptr);
}

device::Descriptor make_file(const std::string& path) {
  device::Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
  // A file that was there keeps its mode; what a recording holds is for its owner alone.
  if (!file || ::fchmod(file.get(), S_IRUSR | S_IWUSR) != 0)
    throw Misuse(fmt::format("--record {}: cannot write it: {}", path, reason(errno)));
  return file;
}

}  // namespace

LiveRecording::LiveRecording(std::string path, const std::string& asked)
    : path_(std::move(path)),
      file_(make_file(path_)),
      recording_(
          {.program = program_words(), .asked = asked},
          [this](std::span<const uint8_t> octets) { write(octets); }, sim::Fingerprints::Bounded,
          kBlock) {
  last_words = {&recording_, file_.get()};
  listen_for_death();
}

LiveRecording::~LiveRecording() {
  if (!recording_.over()) recording_.flush();
  recording_.abandon();
  last_words = {};
}

stack::Recorder& LiveRecording::recorder() {
  return recording_.host(0, {.name = "server"});
}

void LiveRecording::write(std::span<const uint8_t> octets) {
  const int code = write_all(file_.get(), octets, written_);
  if (code == 0) return;
  failed_ = true;
  recording_.abandon();
  fmt::print(stderr,
             "rapport serve: --record {}: cannot write on: {}; the recording ends after {} octets, "
             "the server goes on\n",
             path_, reason(code), written_);
}

void LiveRecording::Flushing::later() {
  timer_.expires_after(kLongestInBuffer);
  timer_.async_wait([this](const boost::system::error_code& failed) {
    if (failed || of_.recording_.over()) return;
    of_.recording_.flush();
    later();
  });
}

void LiveRecording::finish() {
  if (recording_.over()) return;
  (void)recording_.finish();
  if (failed_) return;
  fmt::print("recorded {} inputs, {} octets: rapport replay {}\n", recording_.inputs(), written_,
             path_);
}

}  // namespace rapport::app
