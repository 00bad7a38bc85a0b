// Chooses the addresses a container gets on its networks. Pure functions: the addresses in use are passed in.
#pragma once

#include <functional>
#include <vector>

#include "base/error.hpp"
#include "engine/records/records.hpp"

namespace consort::engine {

// Is the holder of a lease really running? Asked only if an address is requested that is in use, or if none is free:
// until then, a container that ended by itself keeps its lease and so gets the same address again. Called within a
// transaction: it must not use the database.
using HolderRuns = std::function<bool(const EndpointRecord& holder)>;

struct LeaseInput {
  const std::vector<EndpointRecord>& own;         // the container's endpoints
  const std::vector<EndpointRecord>& neighbours;  // all endpoints on the same networks, including its own
  const std::vector<Network>& networks;           // at least those of `own`
  HolderRuns holder_runs;
};
Result<std::vector<Records::Lease>> choose_leases(const LeaseInput& input);

// Whether this endpoint may have the addresses that it asks for: "", or the reason why not in Docker's words.
std::string why_not_addresses(const EndpointSpec& endpoint, const Network& network);
Result<> check_endpoint(const EndpointSpec& endpoint, const Network& network);  // the same, when creating a container

struct Gateways {
  std::string ipv4, ipv6;  // "" = none
  unsigned prefix4 = 0, prefix6 = 0;
};
Gateways gateways_of(const Network& network);

}  // namespace consort::engine
