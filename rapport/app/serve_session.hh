// HttpSession: one connection of `serve`: read a request, answer it, until somebody has enough.
// Beast is in serve_session.cc alone.
#pragma once

#include "rapport/app/serve_answer.hh"
#include "rapport/app/serve_http.hh"
#include "rapport/app/transport.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

class HttpSession {
 public:
  HttpSession(std::unique_ptr<Transport> transport, HttpService& service);
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;
  ~HttpSession();

  boost::asio::awaitable<void> run();

  // Waits for no request any more.
  void finish();

  // Acts if the time of what is going on is up.
  void check_time(std::chrono::steady_clock::time_point now);

 private:
  struct Reading;  // the request being read, and its buffer
  struct Lent;     // a chunk, given back at the end
  using ErrorCode = boost::system::error_code;

  enum class Phase : uint8_t { Opening, Header, Body, Answering, Parting };

  void enter(Phase phase, std::chrono::steady_clock::duration time);
  boost::asio::awaitable<bool> one_request();
  boost::asio::awaitable<bool> read_header();
  boost::asio::awaitable<bool> carry_out(const Request& request);
  boost::asio::awaitable<bool> receive(const Request& request);
  boost::asio::awaitable<bool> fill(Upload& upload);
  boost::asio::awaitable<bool> discard(const Request& request);
  boost::asio::awaitable<bool> invite(const Request& request);
  boost::asio::awaitable<std::expected<size_t, ErrorCode>> read_piece(std::span<char> into);
  boost::asio::awaitable<void> answer_unreadable(ErrorCode why);
  boost::asio::awaitable<bool> send(Answer& answer);
  boost::asio::awaitable<bool> refuse(unsigned status);
  boost::asio::awaitable<void> part();

  std::unique_ptr<Transport> transport_;
  HttpService& service_;
  std::unique_ptr<Reading> reading_;
  Phase phase_ = Phase::Opening;
  std::chrono::steady_clock::time_point deadline_;
  std::chrono::steady_clock::time_point body_began_;
  uint64_t body_octets_ = 0;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  bool head_ = false;
  bool slow_ = false;  // the time for a request was up
};

}  // namespace rapport::app
