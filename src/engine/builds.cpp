#include "engine/builds.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <memory>
#include <mutex>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/process_directory.hpp"
#include "base/strings.hpp"
#include "build/context_archive.hpp"
#include "engine/checks/validate.hpp"
#include "engine/engine_impl.hpp"
#include "engine/files.hpp"
#include "engine/left_behind.hpp"
#include "engine/start/oci_resources.hpp"
#include "image/transfer.hpp"
#include "network/sandbox.hpp"
#include "runtime/spec.hpp"

namespace consort::engine {

namespace {

// The networks of a build's RUN steps; the first of them opens the link to the host.
class StepNetworks {
 public:
  StepNetworks(std::string run_root, const place::Place& place) : run_root_(std::move(run_root)), place_(place) {}

  Result<build::BuildEnvironment::Network> make() {
    return place_.run([this] { return make_there(); });
  }

 private:
  Result<build::BuildEnvironment::Network> make_there() {
    if (!link_) {
      link_ = TRY(HostLink::open());
      (void)sweep_build_sandboxes(run_root_);
    }
    auto sandbox = std::make_shared<BuildSandbox>(TRY(create_build_sandbox(*link_, random_id(), run_root_)));
    build::BuildEnvironment::Network network;
    network.netns = TRY(duplicate(sandbox->sandbox.netns.get()));
    network.resolv_conf = sandbox->resolv_conf;
    network.host_gateway = sandbox->host_gateway;
    // Rules that could not be removed are swept like those of any interface that is gone.
    network.release = [this, sandbox] { (void)place_.run([&] { return destroy_build_sandbox(std::move(*sandbox)); }); };
    return network;
  }

  std::string run_root_;
  const place::Place& place_;
  std::optional<HostLink> link_;
};

// A config.json that exists only in memory. A build for somebody else uses only that client's credentials.
Result<Fd> login_file(const BuildRun& run, const std::string& registry) {
  Json config = Json::object();
  if (const auto login = TRY_WRAP(run.login(registry), "get login", "for " + registry)) {
    Json entry = Json::object();
    entry["auth"] = base64_encode(login->username + ":" + login->password);
    if (login->username.empty()) entry["identitytoken"] = login->password;
    config["auths"][registry == "docker.io" ? "https://index.docker.io/v1/" : registry] = std::move(entry);
  }
  Fd file(::memfd_create("consort-login", MFD_CLOEXEC));
  if (!file) return fail_errno("keep login");
  TRY(write_full(file.get(), dump_json(config)));
  return file;
}

Result<std::string> pull_base(image::Store& store, const BuildRun& run, const std::string& reference,
                              const std::string& platform, build::BasePull when) {
  // The unnamed result of another build.
  if (image::Digest::parse(reference)) return TRY(store.find(reference)).id;
  image::PullOptions options;
  if (!platform.empty()) options.platform = TRY(image::Platform::parse(platform));
  options.policy =
      when == build::BasePull::always ? image::PullOptions::Policy::always : image::PullOptions::Policy::missing;
  options.cancel = run.cancel;
  options.registry.warn = run.warn;
  options.registry.docker_config = run.docker_config;
  const image::Reference parsed = TRY(image::Reference::parse(reference));
  const bool there = options.policy == image::PullOptions::Policy::missing && TRY(store.look_up(parsed.full()));
  Fd config;
  if (run.login && !there) {
    config = TRY(login_file(run, parsed.registry));
    options.registry.docker_config = "/proc/self/fd/" + std::to_string(config.get());
  }
  return TRY(image::pull(store, parsed, options)).image.id;
}

// As for containers: the same limits are refused, and a step gets nothing that a container would not get.
Result<std::shared_ptr<const runtime::Resources>> limits_of(Engine::Impl& impl, const BuildRun& run) {
  if (run.limits == Resources{}) return std::shared_ptr<const runtime::Resources>();
  ContainerSpec spec;
  spec.resources = run.limits;
  Strings warnings;
  TRY(validate_resources(spec, impl.host(), warnings));
  for (const std::string& warning : warnings)
    if (run.warn) run.warn(warning);
  const ProcessConfig process;
  Json json = TRY(resources_json({.spec = spec, .process = process}));
  json.erase("devices");  // a step's own
  return std::make_shared<const runtime::Resources>(TRY(runtime::parse_resources_text(dump_json(json), "limits")));
}

Result<build::BuildEnvironment> environment_of(Engine::Impl& impl, const BuildRun& run) {
  build::BuildEnvironment environment{.store = impl.store, .roots = impl.roots};
  environment.limits = TRY(limits_of(impl, run));
  environment.pull = [&](const std::string& reference, const std::string& platform, build::BasePull when) {
    return pull_base(impl.store, run, reference, platform, when);
  };
  environment.progress = run.progress;
  environment.planned = run.planned;
  environment.failed = run.failed;
  environment.cancel_fd = run.cancel_fd;
  environment.environment = run.environment;
  environment.remote = run.remote;
  return environment;
}

// The network namespace that steps join.
class Joined {
 public:
  Joined(Engine& engine, const JoinedNetwork& network) : engine_(engine), network_(network) {}
  ~Joined() {
    attachment_ = {};
    // If it cannot be removed now, its supervisor does so once it has ended.
    if (!waiting_.id.empty())
      (void)engine_.remove_container(waiting_.id, {.force = Force::yes, .volumes = AnonymousVolumes::remove});
  }
  Joined(const Joined&) = delete;
  Joined& operator=(const Joined&) = delete;

  // image_id: any image of this machine; the waiting container runs nothing from it.
  Result<build::BuildEnvironment::Network> join(const std::string& image_id) {
    constexpr std::string_view of_container = "container:";
    const bool of_another = network_.mode.starts_with(of_container);
    if (!of_another && waiting_.id.empty()) TRY(start_waiting(image_id));
    const ContainerDetails container =
        TRY(engine_.inspect(of_another ? network_.mode.substr(of_container.size()) : waiting_.id));
    if (!container.state.has_process())
      return fail(Error(Code::conflict, "cannot join network of a non running container: " + container.id));
    const Fd process = TRY(open_process_directory(container.state.pid, container.state.pid_started));
    build::BuildEnvironment::Network network;
    network.netns = TRY(open_at(process.get(), "ns/net", O_RDONLY));
    network.resolv_conf = TRY(read_file(engine_.files().host_paths(container.id).resolv_conf));
    network.hostname = container.hostname;
    if (!container.networks.empty()) network.host_gateway = container.networks.front().gateway4;
    return network;
  }

 private:
  Result<> start_waiting(const std::string& image_id) {
    if (image_id.empty())
      return fail(
          Error(Code::unsupported, "join network " + network_.mode).why("no stage of the build begins with an image"));
    constexpr const char* init_inside = "/sbin/docker-init";
    ContainerSpec spec;
    spec.image = spec.image_id = image_id;
    spec.project = network_.project;
    spec.networks.push_back({.network = network_.mode});
    spec.entrypoint = Strings{init_inside, "--wait-for-end"};
    spec.command = Strings{};
    spec.working_dir = "/";
    spec.user = "0:0";
    spec.health = HealthSpec{.test = Strings{"NONE"}};
    spec.init = true;                                         // puts the program there
    spec.oneoff = spec.open_stdin = spec.auto_remove = true;  // it ends with us, even if we are killed
    spec.labels[for_maker_alone] = "True";
    waiting_ = TRY(engine_.create_container(spec));
    TRY(engine_.start_container(waiting_.id));
    attachment_ = TRY(engine_.attach(waiting_.id));
    return {};
  }

  Engine& engine_;
  const JoinedNetwork& network_;
  CreatedContainer waiting_;
  Attachment attachment_;
};

}  // namespace

Builds Engine::builds() {
  return {*this, *impl_};
}

Result<build::BuildResult> Builds::run(const build::BuildRequest& request, const BuildRun& run) {
  StepNetworks networks(impl_->roots.run, impl_->place);
  build::BuildEnvironment environment = TRY(environment_of(*impl_, run));
  environment.network = [&networks] { return networks.make(); };
  return build::build(request, environment);
}

Result<build::BuildResult> Builds::run_on(const JoinedNetwork& network, const build::BuildRequest& request,
                                          const BuildRun& run) {
  Joined joined(*engine_, network);
  std::mutex mutex;
  std::string base;  // the image that was asked for last
  build::BuildEnvironment environment = TRY(environment_of(*impl_, run));
  environment.pull = [&, pull = std::move(environment.pull)](const std::string& reference, const std::string& platform,
                                                             build::BasePull when) {
    auto image = pull(reference, platform, when);
    const std::scoped_lock lock(mutex);
    if (image) base = *image;
    return image;
  };
  environment.network = [&] {
    const std::scoped_lock lock(mutex);
    return joined.join(base);
  };
  return build::build(request, environment);
}

struct ReceivedContext::Place {
  image::LayerDraft draft;  // for its directory alone
};
ReceivedContext::ReceivedContext(std::unique_ptr<Place> place) : place_(std::move(place)) {}
ReceivedContext::ReceivedContext(ReceivedContext&&) noexcept = default;
ReceivedContext::~ReceivedContext() = default;
std::string ReceivedContext::directory() const {
  return place_->draft.directory();
}

Result<ReceivedContext> Builds::receive_context(int in) {
  auto place = std::make_unique<ReceivedContext::Place>(TRY(impl_->store.new_layer()));
  TRY(build::unpack_context(in, place->draft.directory()));
  return ReceivedContext(std::move(place));
}

Result<std::optional<std::string>> Builds::why_outdated(const build::BuildRequest& request, const std::string& image_id,
                                                        const Strings& environment) {
  build::BuildEnvironment asked{.store = impl_->store, .roots = impl_->roots};
  asked.environment = environment;
  return build::why_outdated(request, asked, image_id);
}

}  // namespace consort::engine
