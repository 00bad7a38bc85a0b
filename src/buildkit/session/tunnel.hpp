// A byte stream within a gRPC call: messages of bytes in both directions.
#pragma once

#include "buildkit/rpc/connection.hpp"

namespace consort::buildkit {

// Forwards between the call and the socket in both directions until one side ends or `stop` (-1: never) becomes
// readable; then shuts down both. Descriptors are borrowed.
void tunnel(Stream& call, int socket, int stop);

}  // namespace consort::buildkit
