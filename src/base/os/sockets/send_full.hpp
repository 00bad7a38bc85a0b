// Sending on stream sockets.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace consort {

// All of it, however long that takes; a peer that has gone is an error with EPIPE, never a signal. flags: MSG_MORE.
Result<> send_full(int socket, std::string_view bytes, int flags = 0);

}  // namespace consort
