// The API of Kubernetes over HTTP. Blocking; one client may be used by several threads. Bodies are JSON texts.
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
enum class Trial : std::uint8_t { no, yes };  // yes: the server only says what it would do

class Client {
 public:
  // cancel ends whatever is waited for: Code::interrupted.
  static Result<std::unique_ptr<Client>> create(Cluster cluster, std::stop_token cancel);
  ~Client();

  const Cluster& cluster() const;

  // Errors have the server's words and Code::not_found, denied, conflict, invalid, busy or io.
  Result<std::string> get(const std::string& path);
  Result<std::string> create(const std::string& path, const std::string& body);
  struct Applied {
    std::string body;  // the object as it is now
    bool created = false;
  };
  // Server-side apply as "consort". Without force Code::conflict if somebody else has set what differs.
  Result<Applied> apply(const std::string& path, const std::string& body, Force force, Trial trial);
  // A merge patch, for changes that aren't in the file: replicas, a restart.
  Result<std::string> merge(const std::string& path, const std::string& body);
  Result<> remove(const std::string& path);  // what is gone already is a success
  // Even if the user does not want to wait any longer: for what must not outlive the command.
  Result<> remove_in_any_case(const std::string& path);

  // The lines of an answer that goes on: a watch, a log. Ends with the server's, with Next::enough, or by stop.
  using OnLine = std::function<Next(std::string_view line)>;
  Result<> lines(const std::string& path, const OnLine& on_line, const std::stop_token& stop = {});

  // Likewise, but as it comes.
  Result<> bytes(const std::string& path, const std::function<Next(std::string_view bytes)>& on_bytes,
                 const std::stop_token& stop = {});

  // exec, attach and port-forward.
  Result<Channels> open(const std::string& path);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace consort::kube
