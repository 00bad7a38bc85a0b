// What keeper and supervisor say to each other over their SEQPACKET socket pair (descriptor 3 in the supervisor): one
// fixed-size message each, a descriptor with `put` and `stored`. Drawn in docs/protocols.md. Both programs come from
// one build; `version` guards against a supervisor that was replaced by a newer binary.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace consort::keeper {

inline constexpr int socket_fd = 3;
inline constexpr std::uint32_t protocol_version = 1;

enum class Kind : std::uint32_t {
  // supervisor -> keeper
  put = 1,      // keep this descriptor under `name`, in place of an older one
  remove,       // drop `name`; a final '*' drops all names that begin so
  acknowledge,  // the exit of `pid` is recorded: forget it
  ready,        // the control socket answers: the first start has worked
  finished,     // nothing is left to keep: end, and do not start a supervisor again
  // keeper -> supervisor
  stored = 100,  // at the start: one per kept descriptor
  exited,        // at the start for each unacknowledged exit, then whenever a child ends
  restored,      // at the start, after the last of these: how many supervisors there were is in `status`
};

struct Message {
  std::uint32_t version = protocol_version;
  Kind kind = Kind::put;
  std::int32_t pid = 0;
  std::int32_t status = 0;  // as waitpid gives it
  char name[112] = {};      // ends with a zero
};
static_assert(sizeof(Message) == 128);

}  // namespace consort::keeper
