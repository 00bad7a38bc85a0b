#include <algorithm>
#include <array>

#include "buildkit/control/server.hpp"
#include "buildkit/solve/failure.hpp"
#include "buildkit/solve/inputs.hpp"
#include "buildkit/solve/solver.hpp"

namespace consort::buildkit {
namespace {

constexpr const char* build_header = "buildkit-controlapi-buildid";

// Capabilities that clients check before they use them.
constexpr std::array frontend_capabilities{
    "frontend.caps",
    "frontend.inputs",
    "gateway.evaluate",
    "gateway.solve.evaluate",
    "gateway.solve.metadata",
    "importcaches",
    "proto.refarray",
    "reference.output",
    "return",
    "returnmap",
    "solve.base",
    "gateway.warnings",
};
constexpr std::array llb_capabilities{
    "constraints",
    "exec.meta.base",
    "exec.meta.network",
    "exec.meta.ulimit",
    "exec.mount.bind",
    "exec.mount.cache",
    "exec.mount.secret",
    "exec.mount.ssh",
    "exec.mount.tmpfs",
    "exporter.multiple",
    "exporter.session",
    "file.base",
    "gc.freespacefilter",
    "meta.description",
    "meta.ignorecache",
    "platform",
    "source.git",
    "source.http",
    "source.image",
    "source.image.resolvemode",
    "source.local",
    "source.local.excludepatterns",
    "source.local.followpaths",
    "source.local.includepatterns",
    "source.local.sessionid",
    "source.local.sharedkeyhint",
    "source.local.unique",
};

void add(google::protobuf::RepeatedPtrField<wire::Capability>& to, const char* id) {
  wire::Capability& capability = *to.Add();
  capability.set_id(id);
  capability.set_enabled(true);
}

}  // namespace

// The build that a call on the bridge belongs to, once it has begun. nullptr: the call has already been finished.
std::shared_ptr<Job> Server::job_of(Stream& call) {
  const auto job = jobs_.open(call.header(build_header));
  if (!job) {
    call.finish(buildkit::status_of(job.error()));
    return nullptr;
  }
  if (const auto begun = (*job)->wait_for_request(call.stopped()); !begun) {
    jobs_.release(*job);
    call.finish(buildkit::status_of(begun.error()));
    return nullptr;
  }
  return *job;
}

void Server::bridge_ping(Stream& call) {
  wire::Pong pong;
  for (const char* id : frontend_capabilities) add(*pong.mutable_frontend_caps(), id);
  for (const char* id : llb_capabilities) add(*pong.mutable_llb_caps(), id);
  *pong.add_workers() = worker();
  reply(call, pong);
}

void Server::bridge_solve(Stream& call) {
  const auto request = request_of<wire::BridgeSolveRequest>(call);
  if (!request) return;
  const auto job = job_of(call);
  if (!job) return;
  wire::BridgeSolveResponse response;
  const auto& options = request->frontend_opt();
  if (options.contains("requestid")) {
    const RpcStatus status = subrequest(*job, *request, call.stopped(), response);
    if (!status.ok()) return call.finish(status);
    return reply(call, response);
  }
  const auto id = job->add_result(*request);
  if (!id) return call.finish(buildkit::status_of(id.error()));
  wire::BridgeRef& ref = *response.mutable_result()->mutable_ref();
  ref.set_id(*id);
  *ref.mutable_def() = definition_of({job->reference(), *id});
  response.set_ref(*id);
  reply(call, response);
}

RpcStatus Server::subrequest(Job& job, const wire::BridgeSolveRequest& request, const std::stop_token& cancel,
                             wire::BridgeSolveResponse& response) {
  const std::string& wanted = request.frontend_opt().at("requestid");
  if (wanted != "frontend.lint") return {RpcCode::unimplemented, "unsupported request " + wanted, {}};
  const auto solve = job.wait_for_request(cancel);
  if (!solve) return buildkit::status_of(solve.error());
  SolveInput input;
  input.session = solve->session();
  input.attributes = {request.frontend_opt().begin(), request.frontend_opt().end()};
  input.inputs = {request.frontend_inputs().begin(), request.frontend_inputs().end()};
  Solver solver(engine_, sessions_, jobs_, job, cancel);
  const auto outcome = solver.solve(input);
  if (!outcome) return solver.status_of(outcome.error());
  const auto file = request.frontend_opt().find("filename");
  const std::string name = file == request.frontend_opt().end() ? "Dockerfile" : file->second;
  auto& metadata = *response.mutable_result()->mutable_metadata();
  for (const auto& [key, value] : lint_result(outcome->result, name)) metadata[key] = value;
  response.mutable_result()->mutable_ref();
  return {};
}

void Server::bridge_return(Stream& call) {
  const auto request = request_of<wire::ReturnRequest>(call);
  if (!request) return;
  const auto job = job_of(call);
  if (!job) return;
  job->give_back(*request);
  reply(call, wire::Time());  // an empty message
}

void Server::bridge_nothing(Stream& call) {
  while (true) {
    const auto message = call.read();
    if (!message || !*message) break;
  }
  reply(call, wire::Time());  // an empty message
}

}  // namespace consort::buildkit
