// Messages between keeper and supervisor over their SEQPACKET socket pair (descriptor 3 in the supervisor): of fixed
// size, with a descriptor for `put` and `stored`. See docs/protocols.md. Both programs come from one build; `version`
// guards against a supervisor replaced by a newer binary.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace consort::keeper {

inline constexpr int socket_fd = 3;
inline constexpr std::uint32_t protocol_version = 1;

enum class Kind : std::uint32_t {
  // supervisor -> keeper
  put = 1,      // keep this descriptor as `name`, replacing an older one
  remove,       // drop `name`; a final '*' drops all names with that prefix
  acknowledge,  // the exit of `pid` is recorded: forget it
  ready,        // the control socket answers: the first start has succeeded
  finished,     // nothing is left to keep: end without starting another supervisor
  // keeper -> supervisor
  stored = 100,  // at the start: one per kept descriptor
  exited,        // at the start for each unacknowledged exit, then whenever a child ends
  restored,      // at the start, after the last of these; `status` is the number of supervisors so far
};

struct Message {
  std::uint32_t version = protocol_version;
  Kind kind = Kind::put;
  std::int32_t pid = 0;
  std::int32_t status = 0;  // as from waitpid
  char name[112] = {};      // zero-terminated
};
static_assert(sizeof(Message) == 128);

}  // namespace consort::keeper
