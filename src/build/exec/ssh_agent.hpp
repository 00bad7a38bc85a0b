// `RUN --mount=type=ssh`: gives a step a socket on which an SSH agent answers. Keys never enter the step: keys that the
// build names by file are loaded into an OpenSSH agent started for the build; the user's own agent is accessed through
// a relay, which lets a step list keys and sign, but nothing else.
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

// The agents for the IDs of a build; they end with the build, however it ends.
class SshAgents {
 public:
  // `user_socket`: SSH_AUTH_SOCK, or empty. `directory`: created if needed, accessible only to us. Errors are those of
  // `docker build` if it has them; a key with a passphrase is Code::invalid.
  static Result<SshAgents> start(const std::vector<SshForward>& forwards, const std::string& user_socket,
                                 const std::string& directory);
  SshAgents() = default;
  SshAgents(SshAgents&&) noexcept = default;
  SshAgents& operator=(SshAgents&&) noexcept = default;
  ~SshAgents();

  // The socket of an agent; empty: nothing was configured for this ID.
  std::string socket_of(std::string_view id) const;
  // true: the agent was started for this build; false: it is the user's.
  bool is_own(std::string_view id) const { return own_ids_.contains(id); }

 private:
  struct Own {
    Fd alive;          // other end of the guard's standard input: when we close it or die, the agent ends
    ChildGuard guard;  // a shell that waits for that
  };
  Result<std::string> serve_keys(const std::vector<std::string>& files);

  std::string directory_;
  std::map<std::string, std::string, std::less<>> sockets_;
  std::set<std::string, std::less<>> own_ids_;
  std::vector<Own> own_;
};

// A socket for one step. Requests other than listing keys and signing are answered with a failure.
class SshRelay {
 public:
  // dropped: keys are listed without their comments, as by BuildKit's agent; ssh-add takes comments from the key file.
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

// Splits the agent protocol into messages: a length of four bytes, then that many bytes. Input may arrive in any
// pieces.
class AgentMessages {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  // Removes and returns the first message, including its length, if it is complete. Code::invalid: not the agent
  // protocol.
  Result<std::optional<std::string>> next();

 private:
  std::string buffer_;
};
bool agent_may_be_asked(std::string_view message);
// Removes the comments from a list of keys; other messages are returned unchanged. Code::invalid: the message is
// truncated.
Result<std::string> without_comments(std::string_view message);

}  // namespace consort::build
