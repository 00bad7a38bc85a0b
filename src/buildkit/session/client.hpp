// Requests to a client through its session. Error texts are the client's own where it gave one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/os/fd.hpp"
#include "buildkit/session/session.hpp"

namespace consort::buildkit {

// Selects one of the client's directories ("context", "dockerfile") and files in it.
struct FileWish {
  std::string directory;
  std::vector<std::string> include{};  // patterns; empty: everything
  std::vector<std::string> exclude{};  // patterns as in an ignore file
  std::vector<std::string> follow{};   // paths (with wildcards), including targets of links; empty: everything
};

// Copies the selected files into `root`, an empty directory. on_bytes: called with the number of bytes received so far.
Result<std::uint64_t> receive_files(Session& session, const FileWish& wish, Fd root,
                                    const std::function<void(std::uint64_t)>& on_bytes, const std::stop_token& cancel);

// nullopt: the client has no such secret.
Result<std::optional<std::string>> get_secret(Session& session, const std::string& id, const std::stop_token& cancel);

struct ClientLogin {
  std::string username;  // empty: `secret` is an identity token
  std::string secret;
};
// nullopt: the client has no credentials for this registry.
Result<std::optional<ClientLogin>> get_login(Session& session, const std::string& host, const std::stop_token& cancel);

// Streams bytes to the client: the archive of `--output type=tar`. from: borrowed; metadata: additional headers.
Result<> send_bytes(Session& session, int from, const Headers& metadata, const std::stop_token& cancel);
// Sends the content of `root` (borrowed) to the directory that the client has chosen: `--output type=local`.
Result<> send_files(Session& session, int root, const Headers& metadata,
                    const std::function<void(std::uint64_t)>& on_bytes, const std::stop_token& cancel);
// Downloads the body of an upload that a request's URL refers to (`docker build -`) to `to` (borrowed).
Result<> fetch_upload(Session& session, const std::string& path, int to, const std::stop_token& cancel);

// A socket that forwards to the client's SSH agent. Closed by the destructor.
class AgentSocket {
 public:
  // nullptr: the client offers no agent with this ID.
  static Result<std::unique_ptr<AgentSocket>> open(std::shared_ptr<Session> session, const std::string& id,
                                                   const std::string& path);
  AgentSocket(const AgentSocket&) = delete;
  AgentSocket& operator=(const AgentSocket&) = delete;
  ~AgentSocket();
  const std::string& path() const { return path_; }

 private:
  AgentSocket() = default;
  void serve();
  void forward(const Fd& socket) const;

  std::shared_ptr<Session> session_;
  std::string id_, path_;
  Fd listener_, stop_;
  std::thread thread_;
};

}  // namespace consort::buildkit
