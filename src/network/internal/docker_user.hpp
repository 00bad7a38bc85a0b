// A running Docker Engine lets the host forward only what its own chains accept. DOCKER-USER is the chain that it keeps
// for others and never empties; there our bridges get one rule for each direction, marked with a comment of ours. What
// may pass is decided by our own table, which sees the same packets.
#pragma once

#include <string_view>

#include "network/internal/nft.hpp"

namespace consort::docker_user {

// No such chain: nothing to do. Already open: fine.
Result<> open_for(nft::Socket& socket, std::string_view bridge);
Result<> close_for(nft::Socket& socket, std::string_view bridge);

}  // namespace consort::docker_user
