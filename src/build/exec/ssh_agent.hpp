// What `RUN --mount=type=ssh` gives a step: a socket on which an SSH agent answers. Keys stay outside: those that the
// build names by file go into an agent of OpenSSH's, started for the build; the user's own agent is spoken to through a
// relay, which lets a step list keys and sign, and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/processes/process.hpp"
#include "build/build.hpp"

namespace consort::build {

// The agents behind the ids of a build; end with it, however it ends.
class SshAgents {
 public:
  // `user_socket`: SSH_AUTH_SOCK, or empty. `folder`: made if needed, only for us. Errors are those of Docker's build
  // where it has them; a key with a passphrase is Code::invalid.
  static Result<SshAgents> start(const std::vector<SshForward>& forwards, const std::string& user_socket,
                                 const std::string& folder);
  SshAgents() = default;
  SshAgents(SshAgents&&) noexcept = default;
  SshAgents& operator=(SshAgents&&) noexcept = default;
  ~SshAgents();

  // The socket of an agent; empty: nothing was given for this id.
  std::string socket_of(std::string_view id) const;
  // It was started for this build; false: it is the user's.
  bool is_own(std::string_view id) const { return own_ids_.contains(id); }

 private:
  struct Own {
    Fd alive;          // its other end is the guard's standard input: closed, by us or by our death, the agent ends
    ChildGuard guard;  // a shell that waits for that
  };
  Result<std::string> serve_keys(const std::vector<std::string>& files);

  std::string folder_;
  std::map<std::string, std::string, std::less<>> sockets_;
  std::set<std::string, std::less<>> own_ids_;
  std::vector<Own> own_;
};

// A socket for one step. Whatever it is asked for beyond keys and signatures is answered with a failure.
class SshRelay {
 public:
  // dropped: the keys are listed without their comments, which ssh-add takes from the file, and BuildKit's agent has
  // not.
  enum class Comments : std::uint8_t { kept, dropped };
  static Result<std::unique_ptr<SshRelay>> start(std::string agent, const std::string& path, Comments comments);
  SshRelay(const SshRelay&) = delete;
  SshRelay& operator=(const SshRelay&) = delete;
  ~SshRelay();

 private:
  SshRelay() = default;
  std::string agent_;
  Comments comments_ = Comments::kept;
  Fd listener_;
  Fd stop_;
  std::jthread thread_;
};

// The agent protocol cut into messages: a length of four bytes, then so many. Bytes may come in any pieces.
class AgentMessages {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  // The first message, with its length, if it is whole; then it is gone from here. Code::invalid: no agent talks like
  // that.
  Result<std::optional<std::string>> next();

 private:
  std::string buffer_;
};
bool agent_may_be_asked(std::string_view message);
// Of a list of keys; other messages as they are. Code::invalid: it is cut off.
Result<std::string> without_comments(std::string_view message);

}  // namespace consort::build
