// The Kubernetes API over HTTP. Calls block; one client may be used by several threads. Bodies are JSON texts.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "kube/channels.hpp"
#include "kube/kubeconfig.hpp"

namespace consort::kube {

enum class Next : std::uint8_t { more, enough };
enum class Force : std::uint8_t { no, yes };
enum class Trial : std::uint8_t { no, yes };  // yes: the server only reports what it would do

class Client {
 public:
  // cancel ends any wait: Code::interrupted.
  static Result<std::unique_ptr<Client>> create(Cluster cluster, std::stop_token cancel);
  ~Client();

  const Cluster& cluster() const;

  // Errors have the server's text and Code::not_found, denied, conflict, invalid, busy or io.
  Result<std::string> get(const std::string& path);
  Result<std::string> create(const std::string& path, const std::string& body);
  struct Applied {
    std::string body;  // the resulting object
    bool created = false;
  };
  // Server-side apply as "consort". Without force: Code::conflict if another manager has set a different value.
  Result<Applied> apply(const std::string& path, const std::string& body, Force force, Trial trial);
  // A merge patch, for changes that are not in the file: replicas, a restart.
  Result<std::string> merge(const std::string& path, const std::string& body);
  Result<> remove(const std::string& path);  // succeeds if it is already gone
  // Works even after `cancel`, for objects that must not outlive the command.
  Result<> remove_in_any_case(const std::string& path);

  // The lines of a continuous answer, such as a watch or a log. Ends with the answer, with Next::enough, or by stop.
  using OnLine = std::function<Next(std::string_view line)>;
  Result<> lines(const std::string& path, const OnLine& on_line, const std::stop_token& stop = {});

  // The same for bytes as they arrive.
  Result<> bytes(const std::string& path, const std::function<Next(std::string_view bytes)>& on_bytes,
                 const std::stop_token& stop = {});

  // For exec, attach and port-forward.
  Result<Channels> open(const std::string& path);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace consort::kube
