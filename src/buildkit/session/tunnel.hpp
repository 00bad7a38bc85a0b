// A byte stream within a call: messages of bytes each way.
#pragma once

#include "buildkit/rpc/connection.hpp"

namespace consort::buildkit {

// What comes from the call goes to the socket, and the other way, until one side ends or `stop` (a descriptor, or -1)
// is readable. Both are shut then.
void tunnel(Stream& call, int socket, int stop);

}  // namespace consort::buildkit
