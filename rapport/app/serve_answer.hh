// What `serve` answers to a request, before anything is sent: status, fields and where the body
// comes from. GET and HEAD of a Site's files with ranges and preconditions (RFC 9110), and the
// refusals. Knows files, but no sockets and no HTTP library.
#pragma once

#include "rapport/app/http_fields.hh"
#include "rapport/app/serve_site.hh"

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::app {

enum class Method : uint8_t { Get, Head, Put, Other, Unknown };

struct Request {
  Method method = Method::Get;
  unsigned version = 11;  // 10 times the major and the minor one
  std::string target;     // as in the request line
  size_t hosts = 1;       // Host fields
  Conditions conditions;
  std::optional<std::string> range;
  std::optional<std::string> expect;
  bool chunked = false;            // Transfer-Encoding: chunked
  std::optional<uint64_t> length;  // Content-Length
  bool part_of_content = false;    // Content-Range came
};

// Pieces of text and of one file, in order.
class Body {
 public:
  Body() = default;

  explicit Body(device::Descriptor file) : file_(std::move(file)) {}

  void add(std::string text);
  void add(ByteRange range);  // of the file

  [[nodiscard]] uint64_t length() const { return length_; }

  // Fills `into` as far as there is more. Nothing: the file could not be read, or has become
  // shorter.
  [[nodiscard]] std::optional<size_t> fill(std::span<char> into);

 private:
  struct Piece {
    std::string text;
    ByteRange range;
    bool is_text = false;
  };

  device::Descriptor file_;
  std::vector<Piece> pieces_;
  size_t piece_ = 0;
  uint64_t at_ = 0;  // in that piece
  uint64_t length_ = 0;
};

struct Answer {
  unsigned status = 200;
  std::vector<std::pair<std::string_view, std::string>> fields;
  Body body;
  bool keep_alive = true;  // false: the connection ends behind it
};

// "Not Found"; "Unknown" for a number that this program does not use.
[[nodiscard]] std::string_view reason_phrase(unsigned status);

// An answer that is its own status in words; `advice` is a further line. Of a 405: see allowed().
[[nodiscard]] Answer refusal(unsigned status, std::string_view advice = {});

struct Rules {
  bool upload = false;                   // PUT is carried out
  uint64_t upload_octets = 16ULL << 30;  // largest body of a PUT
  uint64_t body_octets = 65536;          // of any other request, where it has no use
};

// A refusal of the request as such, whatever it is for: RFC 9112 3.2 (Host), 6.3 (length), version,
// method, size, expectation. Nothing: it may be carried out.
[[nodiscard]] std::optional<Answer> refusal_of_form(const Request& request, const Rules& rules);

// GET and HEAD.
[[nodiscard]] Answer answer_to(const Request& request, const Site& site, std::time_t now);

// PUT: whether its preconditions hold. Nothing: they do.
[[nodiscard]] std::optional<Answer> refusal_of_upload(const Request& request, const Site& site);

// PUT with If-None-Match: * (RFC 9110 13.1.2): only where there is no file, at the very end, too.
[[nodiscard]] bool must_be_new(const Request& request);

[[nodiscard]] unsigned status_of(Refusal r);

}  // namespace rapport::app
