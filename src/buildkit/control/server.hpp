// The gRPC services that clients call: moby.buildkit.v1.Control, and the LLB bridge through which a client drives its
// own build.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "buildkit/rpc/connection.hpp"
#include "buildkit/service.hpp"
#include "buildkit/session/session.hpp"
#include "buildkit/solve/job.hpp"

namespace consort::buildkit {

// Each call is handled by one thread; any number of calls at a time. The engine is borrowed.
class Server {
 public:
  explicit Server(engine::Engine& engine) : engine_(engine) {}

  void answer(Stream& call);

  Sessions& sessions() { return sessions_; }

 private:
  // control.cpp
  void info(Stream& call);
  void list_workers(Stream& call);
  void disk_usage(Stream& call);
  void prune(Stream& call);
  void solve(Stream& call);
  void status(Stream& call);
  void session(Stream& call);
  void history(Stream& call);
  void update_history(Stream& call);
  RpcStatus run_job(Job& job, const wire::SolveRequest& request, const std::stop_token& cancel,
                    wire::SolveResponse& response, wire::BuildHistoryRecord& record);
  // bridge.cpp
  std::shared_ptr<Job> job_of(Stream& call);
  void bridge_ping(Stream& call);
  void bridge_solve(Stream& call);
  void bridge_return(Stream& call);
  void bridge_nothing(Stream& call);
  RpcStatus subrequest(Job& job, const wire::BridgeSolveRequest& request, const std::stop_token& cancel,
                       wire::BridgeSolveResponse& response);

  engine::Engine& engine_;
  Sessions sessions_;
  Jobs jobs_;
};

// The single message of a request; if there is none, the call has been finished with an error.
template <typename Message>
std::optional<Message> request_of(Stream& call) {
  const std::optional<std::string> bytes = call.read().value_or(std::nullopt);
  Message message;
  if (bytes && message.ParseFromString(*bytes)) return message;
  call.finish({RpcCode::invalid_argument, "the request cannot be read", {}});
  return std::nullopt;
}

template <typename Message>
void reply(Stream& call, const Message& message) {
  (void)call.write(message.SerializeAsString());  // if the client is gone, it does not need a reply
  call.finish({});
}

wire::Worker worker();

}  // namespace consort::buildkit
