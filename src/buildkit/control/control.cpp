#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/narrow.hpp"
#include "base/time_range.hpp"
#include "bridge.pb.h"
#include "buildkit/control/server.hpp"
#include "buildkit/control/usage.hpp"
#include "buildkit/session/tunnel.hpp"
#include "buildkit/solve/inputs.hpp"
#include "buildkit/solve/solver.hpp"
#include "control.pb.h"
#include "engine/build_cache.hpp"
#include "engine/engine.hpp"
#include "engine/images.hpp"

namespace consort::buildkit {
namespace {

constexpr const char* package_name = "github.com/moby/buildkit";  // clients check only this
constexpr const char* worker_id = "consort";

wire::BuildkitVersion buildkit_version() {
  wire::BuildkitVersion out;
  out.set_package(package_name);
  out.set_version("v0.0.0+consort");
  return out;
}

SolveInput input_of(const wire::SolveRequest& request) {
  SolveInput input;
  input.session = request.session();
  input.exporters = {request.exporters().begin(), request.exporters().end()};
  if (input.exporters.empty() && !request.exporter().empty()) {
    wire::Exporter exporter;
    exporter.set_type(request.exporter());
    *exporter.mutable_attrs() = request.exporter_attrs();
    input.exporters.push_back(std::move(exporter));
  }
  input.entitlements = {request.entitlements().begin(), request.entitlements().end()};
  input.cache_imports = {request.cache().imports().begin(), request.cache().imports().end()};
  input.cache_exports = {request.cache().exports().begin(), request.cache().exports().end()};
  return input;
}

}  // namespace

wire::Worker worker() {
  wire::Worker out;
  out.set_id(worker_id);
  // No label for a containerd image store: clients then leave outputs to the server, as with Docker.
  const image::Platform host = image::Platform::host();
  wire::Platform& platform = *out.add_platforms();
  platform.set_os(host.os);
  platform.set_architecture(host.architecture);
  *out.mutable_buildkit_version() = buildkit_version();
  return out;
}

void Server::answer(Stream& call) {
  using Method = void (Server::*)(Stream&);
  static const std::map<std::string, Method, std::less<>> methods{
      {"/moby.buildkit.v1.Control/Info", &Server::info},
      {"/moby.buildkit.v1.Control/ListWorkers", &Server::list_workers},
      {"/moby.buildkit.v1.Control/DiskUsage", &Server::disk_usage},
      {"/moby.buildkit.v1.Control/Prune", &Server::prune},
      {"/moby.buildkit.v1.Control/Solve", &Server::solve},
      {"/moby.buildkit.v1.Control/Status", &Server::status},
      {"/moby.buildkit.v1.Control/Session", &Server::session},
      {"/moby.buildkit.v1.Control/ListenBuildHistory", &Server::history},
      {"/moby.buildkit.v1.Control/UpdateBuildHistory", &Server::update_history},
      {"/moby.buildkit.v1.frontend.LLBBridge/Ping", &Server::bridge_ping},
      {"/moby.buildkit.v1.frontend.LLBBridge/Solve", &Server::bridge_solve},
      {"/moby.buildkit.v1.frontend.LLBBridge/Return", &Server::bridge_return},
      // A result is produced when its build ends, or when another build is based on it: there is no benefit in doing
      // that earlier.
      {"/moby.buildkit.v1.frontend.LLBBridge/Evaluate", &Server::bridge_nothing},
      {"/moby.buildkit.v1.frontend.LLBBridge/Warn", &Server::bridge_nothing},
      // The client's own traces are accepted and discarded.
      {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", &Server::bridge_nothing},
  };
  const auto found = methods.find(call.path());
  if (found == methods.end()) return call.finish({RpcCode::unimplemented, "unknown method " + call.path(), {}});
  (this->*found->second)(call);
}

void Server::info(Stream& call) {
  wire::InfoResponse response;
  *response.mutable_buildkit_version() = buildkit_version();
  reply(call, response);
}

void Server::list_workers(Stream& call) {
  wire::ListWorkersResponse response;
  *response.add_record() = worker();
  reply(call, response);
}

void Server::disk_usage(Stream& call) {
  const auto plan = engine_.images().prune(
      {.what = {.images = image::PruneOptions::Images::none}, .build_cache = engine::ImagePrune::BuildCache::forget});
  if (!plan) return call.finish(buildkit::status_of(plan.error()));
  wire::DiskUsageResponse response;
  for (const wire::UsageRecord& record : cache_records(*plan)) *response.add_record() = record;
  reply(call, response);
}

void Server::prune(Stream& call) {
  const auto request = request_of<wire::PruneRequest>(call);
  if (!request) return;
  // Only by age and size: it is better to remove nothing than more than was requested.
  const auto says_nothing = [](const std::string& filter) { return filter.empty(); };
  if (!std::ranges::all_of(request->filter(), says_nothing))
    return call.finish(
        {RpcCode::unimplemented, "part of the build cache cannot be removed: prune without filters", {}});
  build::CachePrune prune{.reserved = saturated<std::uint64_t>(request->reserved_space()),
                          .max_used = saturated<std::uint64_t>(request->max_used_space()),
                          .min_free = saturated<std::uint64_t>(request->min_free_space())};
  if (request->keep_duration() > 0)
    prune.unused_since = time_after(system_now(), -Nanoseconds(request->keep_duration()));
  const auto done = engine::prune_build_cache(engine_, prune);
  if (!done) return call.finish(buildkit::status_of(done.error()));
  for (const wire::UsageRecord& record : cache_records(*done))
    if (!call.write(record.SerializeAsString())) break;
  call.finish({});
}

void Server::solve(Stream& call) {
  const auto request = request_of<wire::SolveRequest>(call);
  if (!request) return;
  const auto job = jobs_.open(request->ref());
  if (!job) return call.finish(buildkit::status_of(job.error()));
  if (!(*job)->begin(*request))
    return call.finish({RpcCode::already_exists, "build " + request->ref() + " has begun already", {}});
  wire::BuildHistoryRecord record;
  record.set_ref(request->ref());
  *record.mutable_created_at() = wire_time(system_now());
  wire::SolveResponse response;
  const RpcStatus status = run_job(**job, *request, call.stopped(), response, record);
  *record.mutable_completed_at() = wire_time(system_now());
  if (!status.ok()) {
    record.mutable_error()->set_code(static_cast<std::int32_t>(status.code));
    record.mutable_error()->set_message(status.message);
  }
  jobs_.finish(*job, request->internal() ? nullptr : &record);
  if (status.ok()) (void)call.write(response.SerializeAsString());
  call.finish(status);
}

RpcStatus Server::run_job(Job& job, const wire::SolveRequest& request, const std::stop_token& cancel,
                          wire::SolveResponse& response, wire::BuildHistoryRecord& record) {
  SolveInput input = input_of(request);
  std::string frontend = request.frontend(), result;
  if (frontend.empty()) {  // the client first drives the build through the bridge
    const auto returned = job.wait_for_return(cancel);
    if (!returned) return buildkit::status_of(returned.error());
    if (returned->has_error())
      return {static_cast<RpcCode>(returned->error().code()), returned->error().message(),
              returned->error().SerializeAsString()};
    result = result_of(returned->result());
    if (result.empty()) return {};  // the client only wanted information
    const auto solved = job.result(result);
    if (!solved) return {RpcCode::not_found, "no such result " + result, {}};
    frontend = solved->frontend();
    input.attributes = {solved->frontend_opt().begin(), solved->frontend_opt().end()};
    input.inputs = {solved->frontend_inputs().begin(), solved->frontend_inputs().end()};
    input.cache_imports.insert(input.cache_imports.end(), solved->cache_imports().begin(),
                               solved->cache_imports().end());
  } else {
    input.attributes = {request.frontend_attrs().begin(), request.frontend_attrs().end()};
    input.inputs = {request.frontend_inputs().begin(), request.frontend_inputs().end()};
  }
  if (!is_dockerfile_frontend(frontend, input.attributes))
    return {RpcCode::unimplemented,
            "frontend \"" + frontend + "\" cannot be run here: Consort only builds Dockerfiles",
            {}};
  for (const auto& [name, value] : input.attributes) (*record.mutable_frontend_attrs())[name] = value;
  for (const wire::Exporter& exporter : input.exporters) *record.add_exporters() = exporter;
  Solver solver(engine_, sessions_, jobs_, job, cancel);
  const auto outcome = solver.solve(input);
  record.set_num_total_steps(solver.feed().steps());
  record.set_num_cached_steps(solver.feed().cached_steps());
  record.set_num_completed_steps(solver.feed().steps());
  if (!outcome) return solver.status_of(outcome.error());
  if (!result.empty() && !outcome->result.image_id.empty()) job.made(result, outcome->result.image_id);
  record.set_num_warnings(static_cast<std::int32_t>(outcome->result.warnings.size()));
  for (const auto& [name, value] : outcome->response) {
    (*response.mutable_exporter_response())[name] = value;
    (*record.mutable_exporter_response())[name] = value;
  }
  return {};
}

void Server::status(Stream& call) {
  const auto request = request_of<wire::StatusRequest>(call);
  if (!request) return;
  const auto job = jobs_.open(request->ref());
  if (!job) return call.finish(buildkit::status_of(job.error()));
  RpcStatus end;
  for (;;) {
    const auto next = (*job)->next_status(call.stopped());
    if (!next) {
      end = buildkit::status_of(next.error());
      break;
    }
    const std::optional<std::string>& update = *next;
    if (!update || !call.write(*update)) break;
  }
  jobs_.release(*job);
  call.finish(end);
}

// A session without a connection of its own, inside a call: shared by the targets of bake.
void Server::session(Stream& call) {
  const std::string id = call.header("x-docker-expose-session-uuid");
  const std::vector<std::string> methods = call.headers("x-docker-expose-session-grpc-method");
  auto sockets = make_socket_pair(SOCK_STREAM);
  if (id.empty() || !sockets) return call.finish({RpcCode::invalid_argument, "a session has an id", {}});
  auto connection = Connection::start(std::move(sockets->first), {}, Connection::Role::client);
  if (!connection) return call.finish(buildkit::status_of(connection.error()));
  const auto session =
      std::make_shared<Session>(id, std::set<std::string>(methods.begin(), methods.end()), std::move(*connection));
  sessions_.add(session);
  tunnel(call, sockets->second.get(), -1);
  sessions_.remove(session);
}

void Server::history(Stream& call) {
  const auto request = request_of<wire::BuildHistoryRequest>(call);
  if (!request) return;
  for (const wire::BuildHistoryRecord& record : jobs_.history()) {
    if (request->active_only() || (!request->ref().empty() && request->ref() != record.ref())) continue;
    wire::BuildHistoryEvent event;
    event.set_type(wire::BuildHistoryEvent::COMPLETE);
    *event.mutable_record() = record;
    if (!call.write(event.SerializeAsString())) break;
  }
  // A client that wants to follow would wait forever: end after the current list.
  call.finish({});
}

void Server::update_history(Stream& call) {
  const auto request = request_of<wire::UpdateBuildHistoryRequest>(call);
  if (!request) return;
  if (request->delete_it()) jobs_.forget(request->ref());
  reply(call, wire::Time());  // an empty message, like every message without fields
}

}  // namespace consort::buildkit
