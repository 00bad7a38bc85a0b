#include "network/nft/foreign_programs.hpp"

#include <linux/netlink.h>

#include <optional>
#include <utility>

#include "network/nft/firewalld.hpp"
#include "network/nft/legacy_iptables.hpp"
#include "network/nft/shared_runs.hpp"

namespace consort::foreign_programs {

using nft::Socket;

namespace {

// One for each direction, shared by all threads in this process.
SharedRuns& openings() {
  static SharedRuns runs;
  return runs;
}
SharedRuns& closings() {
  static SharedRuns runs;
  return runs;
}

SharedRuns::Failures all_failed(const std::vector<std::string>& bridges, const Error& error) {
  SharedRuns::Failures failures;
  for (const std::string& bridge : bridges) failures[bridge] = error.message();
  return failures;
}

Result<> open_firewalld(const HostPrograms& programs, std::span<const std::string> bridges) {
  const auto run = [&](const std::vector<std::string>& names) {
    Result<Socket> socket = Socket::open(NETLINK_NETFILTER);
    if (!socket) return all_failed(names, socket.error());
    auto failures = firewalld::open_for(*socket, programs, names);
    return failures ? std::move(*failures) : all_failed(names, failures.error());
  };
  const std::map<std::string, std::string> failures = openings().join(bridges, run);
  if (failures.empty()) return {};
  const auto& [bridge, why] = *failures.begin();
  return fail(
      Error(Code::io, "let bridge " + bridge + " pass firewalld").why(why).hint("consort doctor says what to type"));
}

Result<> close_firewalld(const HostPrograms& programs, std::span<const std::string> bridges) {
  const auto run = [&](const std::vector<std::string>& names) {
    Result<Socket> socket = Socket::open(NETLINK_NETFILTER);
    const Result<> closed = socket ? firewalld::close_for(*socket, programs, names) : fail(std::move(socket).error());
    return closed ? SharedRuns::Failures() : all_failed(names, closed.error());
  };
  const std::map<std::string, std::string> failures = closings().join(bridges, run);
  if (failures.empty()) return {};
  return fail(
      Error(Code::io, "take bridge " + failures.begin()->first + " out of firewalld").why(failures.begin()->second));
}

}  // namespace

Result<bool> are_wanted(Socket& socket, std::span<const std::string> bridges) {
  if (bridges.empty()) return false;
  if (legacy_iptables::is_in_use()) return true;
  return !TRY(firewalld::unknown_among(socket, bridges)).empty();
}

Result<> open_for(Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges) {
  const std::vector<std::string> unknown = TRY(firewalld::unknown_among(socket, bridges));
  if (!unknown.empty()) TRY(open_firewalld(programs, unknown));
  for (const std::string& bridge : bridges) TRY(legacy_iptables::open_for(programs, bridge));
  return {};
}

Result<> close_for(Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges) {
  std::optional<Error> first;
  const auto collect = [&](Result<> done) {
    if (!done) first = first ? std::move(*first).also(std::move(done).error()) : std::move(done).error();
  };
  const std::vector<std::string> known = TRY(firewalld::known_among(socket, bridges));
  if (!known.empty()) collect(close_firewalld(programs, known));
  for (const std::string& bridge : bridges) collect(legacy_iptables::close_for(programs, bridge));
  if (first) return fail(std::move(*first));
  return {};
}

}  // namespace consort::foreign_programs
