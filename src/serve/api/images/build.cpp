// POST /build: the classic builder's endpoint, whose context is a tar or a URL. `version=2` means a build by BuildKit
// with its messages; the same builder does it, and only reports the resulting image.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <set>
#include <thread>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "engine/builds.hpp"
#include "engine/images.hpp"
#include "serve/api/images/build_lines.hpp"
#include "serve/api/images/registry_auth.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

using build::BuildRequest;

// A parameter that is JSON.
Result<Json> json_of(const Call& call, const char* key) {
  const std::string text = call.query(key);
  if (text.empty()) return Json(nullptr);
  auto value = parse_json(text, key);
  if (!value) return fail(http_error(400, std::string("error reading ") + key + ": " + value.error().message()));
  return value;
}

Result<std::map<std::string, std::string>> map_of(const Call& call, const char* key) {
  std::map<std::string, std::string> map;
  const Json value = TRY(json_of(call, key));
  if (!value.is_object()) return map;
  for (const auto& [name, each] : value.items())
    if (each.is_string()) map[name] = each.get<std::string>();
  return map;
}

Result<> read_limits(const Call& call, BuildRequest& request) {
  if (const auto bytes = TRY(call.number("shmsize")); bytes && *bytes > 0)
    request.shm_size_bytes = static_cast<std::uint64_t>(*bytes);
  const Json ulimits = TRY(json_of(call, "ulimits"));
  if (!ulimits.is_array()) return {};
  for (const Json& each : ulimits)
    request.ulimits.push_back({get_string(each, "Name"), get_int(each, "Soft"), get_int(each, "Hard")});
  return {};
}

// For the containers in which RUN steps run. Anything that is not a number means none, as in Docker.
engine::Resources limits_of(const Call& call) {
  const auto number = [&](const char* key) { return parse_signed(call.query(key)).value_or(0); };
  engine::Resources limits;
  limits.memory = number("memory");
  limits.memory_swap = number("memswap");
  limits.cpu_shares = number("cpushares");
  limits.cpu_period = number("cpuperiod");
  limits.cpu_quota = number("cpuquota");
  limits.cpuset_cpus = call.query("cpusetcpus");
  limits.cpuset_mems = call.query("cpusetmems");
  return limits;
}

// A network of the engine's own, or a container's: "" for the others, which the builder handles itself.
std::string joined_network(const Call& call) {
  const std::string mode = call.query("networkmode");
  constexpr std::string_view of_builder[] = {"", "default", "bridge", "host", "none"};
  return std::ranges::find(of_builder, mode) == std::end(of_builder) ? mode : "";
}

Result<> read_names(const Call& call, BuildRequest& request) {
  for (const std::string& name : call.request().query.all("t")) {
    if (name.empty()) continue;
    if (auto reference = image::Reference::parse(name); !reference)
      return fail(http_error(500, reference.error().message()));
    if (std::ranges::count(request.tags, name) == 0) request.tags.push_back(name);
  }
  return {};
}

// cachefrom: images whose steps may be used instead of the whole cache. If none of them is here, none may be.
Result<bool> may_use_cache(Call& call) {
  const Json names = TRY(json_of(call, "cachefrom"));
  if (!names.is_array() || names.empty()) return true;
  const engine::Images images = TRY(call.engine())->images();
  for (const Json& name : names)
    if (name.is_string() && TRY(images.look_up(name.get<std::string>()))) return true;
  return false;
}

Result<BuildRequest> request_of(Call& call) {
  if (const std::string version = call.query("version"); !version.empty() && version != "1" && version != "2")
    return fail(http_error(400, "invalid version \"" + version + "\""));
  if (call.flag("squash")) return fail(http_error(400, "squash is only supported with experimental mode"));
  if (const std::string isolation = call.query("isolation"); !isolation.empty() && isolation != "default")
    return fail(http_error(400, "unsupported isolation: \"" + isolation + "\""));
  BuildRequest request;
  TRY(read_names(call, request));
  request.dockerfile = call.query("dockerfile", request.dockerfile);
  if (request.dockerfile.empty()) request.dockerfile = "Dockerfile";
  request.args = TRY(map_of(call, "buildargs"));
  request.labels = TRY(map_of(call, "labels"));
  request.target = call.query("target");
  request.extra_hosts = call.request().query.all("extrahosts");
  std::erase(request.extra_hosts, "");
  if (const std::string platform = call.query("platform"); !platform.empty()) {
    if (!image::Platform::parse(platform))
      return fail(http_error(400, "\"" + platform + "\": unknown operating system or architecture: invalid argument"));
    request.platforms.push_back(platform);
  }
  if (call.flag("nocache") || !TRY(may_use_cache(call))) request.cache = build::CacheUse::ignore;
  if (call.flag("pull")) request.pull = build::BasePull::always;
  TRY(read_limits(call, request));
  if (const std::string mode = call.query("networkmode"); mode == "host" || mode == "none") request.network = mode;
  return request;
}

// Cancels a build when its client disconnects.
class ClientWatch {
 public:
  ClientWatch(int client, std::stop_source& stop) : wake_(::eventfd(0, EFD_CLOEXEC)) {
    thread_ = std::jthread([this, client, &stop] {
      std::array<pollfd, 2> fds{pollfd{client, 0, 0}, pollfd{wake_.get(), POLLIN, 0}};
      while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
      }
      if (fds[0].revents != 0) stop.request_stop();
    });
  }
  ~ClientWatch() {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;

 private:
  Fd wake_;
  std::jthread thread_;
};

Error build_refused(const Error& error, const BuildRequest& request) {
  if (error.subject() == Subject::setting && error.subject_name() == "build/dockerfile")
    return http_error(500, "Cannot locate specified Dockerfile: " + request.dockerfile);
  return http_error(error.code() == Code::invalid ? 400 : status_of(error), error.message());
}

// Arguments that no ARG of the file takes, other than those that every file has.
std::vector<std::string> unused_arguments(const BuildRequest& request,
                                          const std::vector<build::PlannedInstruction>& outline) {
  std::vector<std::string> unused;
  for (const auto& [name, value] : request.args) {
    const auto takes = [&](const build::PlannedInstruction& each) {
      const std::vector<std::string> words = split(each.text, ' ');
      return !words.empty() && to_lower(words[0]) == "arg" && std::ranges::any_of(words, [&](const std::string& word) {
        return word.substr(0, word.find('=')) == name;
      });
    };
    if (!to_lower(name).ends_with("_proxy") && std::ranges::none_of(outline, takes)) unused.push_back(name);
  }
  return unused;
}

Result<> run(Call& call, const BuildRequest& request) {
  engine::Engine& engine = *TRY(call.engine());
  const bool modern = call.query("version") == "2";
  const ClientCredentials credentials = TRY(ClientCredentials::of_all(call));
  std::stop_source stop;
  return call.lines([&](const Call::LineWriter& line) -> Result<> {
    using Options = BuildLines::Options;
    BuildLines lines(line,
                     {.quiet = call.flag("q") ? Options::Quiet::yes : Options::Quiet::no,
                      .containers = call.flag("rm", true) ? Options::Containers::remove : Options::Containers::keep});
    std::set<std::string> there;
    for (const image::Image& image : TRY(engine.images().list())) there.insert(image.id);
    std::string failed_step;
    int exit_code = 0;
    engine::BuildRun run;
    std::mutex turn;  // a base that is pulled may warn while other steps run
    run.planned = [&](const std::vector<build::PlannedInstruction>& outline) {
      const std::scoped_lock lock(turn);
      lines.unused(unused_arguments(request, outline));
      lines.begin(outline);
    };
    run.progress = [&](const build::ProgressEvent& event) {
      const std::scoped_lock lock(turn);
      if (!lines.tell(event)) stop.request_stop();
    };
    run.warn = [&](const std::string& text) {
      const std::scoped_lock lock(turn);
      if (!lines.warn(text)) stop.request_stop();
    };
    run.failed = [&](const build::StepFailure& failure) {
      failed_step = failure.title;
      exit_code = failure.exit_code;
    };
    run.cancel = stop.get_token();
    run.docker_config = credentials.path();
    run.limits = limits_of(call);
    const ClientWatch watch(call.client_fd(), stop);
    const engine::JoinedNetwork network{.mode = joined_network(call), .project = loose_project};
    const auto built =
        network.mode.empty() ? engine.builds().run(request, run) : engine.builds().run_on(network, request, run);
    // Problems with the file are reported before anything else, as a separate answer.
    if (!built && failed_step.empty() && !call.answered()) return fail(build_refused(built.error(), request));
    if (!built) return lines.failed(built.error(), failed_step, exit_code);
    if (modern) return line({{"id", "moby.image.id"}, {"aux", {{"ID", built->image_id}}}});
    const auto before = there.contains(built->image_id) ? BuildLines::Before::known : BuildLines::Before::unknown;
    return lines.succeeded(built->image_id, before, request.tags);
  });
}

Result<> build_image(Call& call) {
  BuildRequest request = TRY(request_of(call));
  const std::string remote = call.query("remote");
  // Files in a session without /grpc: docker 18.09 to 20.10 with DOCKER_BUILDKIT=1.
  if (remote == "client-session")
    return fail(http_error(501, "builds by BuildKit need docker 23 or later with buildx: set DOCKER_BUILDKIT=0"));
  if (!remote.empty()) {
    request.context = remote;
    return run(call, request);
  }
  engine::Engine& engine = *TRY(call.engine());
  std::optional<engine::ReceivedContext> context;
  TRY(call.body_to([&](int in) -> Result<> {
    auto received = engine.builds().receive_context(in);
    if (!received) return fail(http_error(500, received.error().message()));
    context.emplace(std::move(*received));
    return {};
  }));
  if (!context) return fail(http_error(500, "no build context was sent"));
  request.context = context->directory();
  return run(call, request);
}

constexpr Route table[] = {{"POST", "/build", build_image}};

}  // namespace

std::span<const Route> build_routes() {
  return table;
}

}  // namespace consort::serve
