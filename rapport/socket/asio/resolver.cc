// Reading the files. A file that cannot be read is an empty one.
#include "rapport/socket/asio/resolver.hh"

#include "rapport/base/address.hh"
#include "rapport/socket/asio/names.hh"

#include <cstdint>
#include <expected>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {
namespace {

namespace net = boost::asio;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<uint16_t> port_of(std::string_view service, std::string_view protocol) {
  if (service.empty()) return 0;
  if (const auto number = port_number(service)) return number;
  return find_service(read_file("/etc/services"), service, protocol);
}

std::vector<IpAddress> addresses_of(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (const auto literal = parse_address(host)) return {*literal};
  return host.empty() ? std::vector<IpAddress>{} : find_host(read_file("/etc/hosts"), host);
}

}  // namespace

std::expected<ResolverResults, boost::system::error_code> resolve(std::string_view host,
                                                                  std::string_view service,
                                                                  std::string_view protocol) {
  const auto port = port_of(service, protocol);
  if (!port) {
    return std::unexpected(boost::system::error_code(net::error::service_not_found));
  }
  ResolverResults found;
  for (const IpAddress& address : addresses_of(host)) {
    found.emplace_back(Endpoint{address, *port}, std::string(host), std::string(service));
  }
  if (found.empty()) return std::unexpected(boost::system::error_code(net::error::host_not_found));
  return found;
}

}  // namespace rapport::asio
