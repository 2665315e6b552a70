// Lines over streams.
#include "message.hh"

#include "rapport/socket/coroutine/timeout.hh"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <utility>

namespace kv {

using namespace rapport;
using coroutine::Task;

namespace {

constexpr size_t kLongestLine = 65536;

Task<std::expected<std::string, Error>> exchange(coroutine::Host& host, Endpoint whom,
                                                 std::string question) {
  auto connecting = host.connect(whom);
  auto stream = co_await connecting;
  if (!stream) co_return std::unexpected(stream.error());
  auto writing = write_line(*stream, std::move(question));
  const auto written = co_await writing;
  if (!written) co_return std::unexpected(written.error());
  auto reading = read_line(*stream);
  auto answer = co_await reading;
  co_return answer;
}

}  // namespace

Words split(const std::string& line) {
  std::istringstream in(line);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

uint64_t number(const std::string& word) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size() ? value : 0;
}

Task<std::expected<std::string, Error>> read_line(coroutine::Stream& stream) {
  std::string line;
  std::array<uint8_t, 512> buffer{};
  while (line.size() <= kLongestLine) {
    auto reading = stream.read(buffer);
    const auto octets = co_await reading;
    if (!octets) co_return std::unexpected(octets.error());
    if (*octets == 0) break;
    line.append(reinterpret_cast<const char*>(buffer.data()), *octets);
    const size_t end = line.find('\n');
    if (end != std::string::npos) co_return line.substr(0, end);
  }
  co_return std::unexpected(Error::Reset);
}

Task<std::expected<void, Error>> write_line(coroutine::Stream& stream, std::string line) {
  line += '\n';
  auto writing = stream.write({reinterpret_cast<const uint8_t*>(line.data()), line.size()});
  const auto octets = co_await writing;
  if (!octets) co_return std::unexpected(octets.error());
  co_return std::expected<void, Error>();
}

Task<std::expected<std::string, Error>> ask(coroutine::Host& host, Endpoint whom,
                                            std::string question, Duration limit) {
  auto exchanging = coroutine::with_timeout(host, limit, exchange(host, whom, std::move(question)));
  auto answer = co_await exchanging;
  co_return answer;
}

}  // namespace kv
