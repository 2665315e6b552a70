// Resolver: names to endpoints in the shape of ip::basic_resolver::async_resolve, without DNS:
// literal addresses and /etc/hosts only; every other name ends in host_not_found. Services are
// numbers, or names of /etc/services if there is one. The files are read anew each time.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/context.hh"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

// One endpoint, and what it was asked for as.
class ResolverEntry {
 public:
  ResolverEntry(const rapport::Endpoint& endpoint, std::string host, std::string service)
      : endpoint_(endpoint), host_(std::move(host)), service_(std::move(service)) {}

  [[nodiscard]] const rapport::Endpoint& endpoint() const { return endpoint_; }

  [[nodiscard]] const std::string& host_name() const { return host_; }

  [[nodiscard]] const std::string& service_name() const { return service_; }

 private:
  rapport::Endpoint endpoint_;
  std::string host_, service_;
};

// In the order of the file.
class ResolverResults : public std::vector<ResolverEntry> {
 public:
  using vector::vector;

  [[nodiscard]] std::vector<Endpoint> endpoints() const {
    std::vector<Endpoint> all;
    for (const ResolverEntry& entry : *this) all.push_back(entry.endpoint());
    return all;
  }
};

// What the files say, now. `protocol`: "tcp" or "udp", for service names. Errors: host_not_found,
// service_not_found.
[[nodiscard]] std::expected<ResolverResults, boost::system::error_code> resolve(
    std::string_view host, std::string_view service, std::string_view protocol = "tcp");

class Resolver {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the names that Asio looks for
  using executor_type = IoExecutor;
  using results_type = ResolverResults;
  // NOLINTEND(readability-identifier-naming)
  using ErrorCode = boost::system::error_code;

  explicit Resolver(Context& context) : executor_(context.get_executor()) {}

  [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

  // Handler: void(error_code, ResolverResults); never called from within this function.
  template <class Token>
  auto async_resolve(std::string_view host, std::string_view service, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, ResolverResults)>(
        [io = executor_, found = resolve(host, service)](auto&& handler) {
          auto done = make_completion<ErrorCode, ResolverResults>(
              std::forward<decltype(handler)>(handler), io);
          finish(done, found ? ErrorCode() : found.error(), found.value_or(ResolverResults{}));
        },
        token);
  }

  // Nothing ever waits for long: the answer is on its way when async_resolve() returns.
  void cancel() {}

 private:
  IoExecutor executor_;
};

}  // namespace rapport::asio
