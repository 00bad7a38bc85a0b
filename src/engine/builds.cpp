#include "engine/builds.hpp"

#include <sys/mman.h>

#include <memory>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "build/context_archive.hpp"
#include "engine/engine_impl.hpp"
#include "image/transfer.hpp"
#include "network/sandbox.hpp"

namespace consort::engine {

namespace {

// The networks of a build's RUN steps; the link to the host is made by the first of them.
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
    // Rules that could not be taken away are swept like those of any interface that is gone.
    network.release = [this, sandbox] { (void)place_.run([&] { return destroy_build_sandbox(std::move(*sandbox)); }); };
    return network;
  }

  std::string run_root_;
  const place::Place& place_;
  std::optional<HostLink> link_;
};

// A config.json that is in memory alone. Somebody else's build uses nobody's logins but his.
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
  // What another build has made and nobody has given a name.
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

}  // namespace

Builds Engine::builds() {
  return Builds(*impl_);
}

Result<build::BuildResult> Builds::run(const build::BuildRequest& request, const BuildRun& run) {
  image::Store& store = impl_->store;
  StepNetworks networks(impl_->roots.run, impl_->place);
  build::BuildEnvironment environment{.store = store, .roots = impl_->roots};
  environment.pull = [&](const std::string& reference, const std::string& platform, build::BasePull when) {
    return pull_base(store, run, reference, platform, when);
  };
  environment.network = [&networks] { return networks.make(); };
  environment.progress = run.progress;
  environment.planned = run.planned;
  environment.failed = run.failed;
  environment.cancel_fd = run.cancel_fd;
  environment.environment = run.environment;
  environment.remote = run.remote;
  return build::build(request, environment);
}

struct ReceivedContext::Place {
  image::LayerDraft draft;  // for its folder alone
};
ReceivedContext::ReceivedContext(std::unique_ptr<Place> place) : place_(std::move(place)) {}
ReceivedContext::ReceivedContext(ReceivedContext&&) noexcept = default;
ReceivedContext::~ReceivedContext() = default;
std::string ReceivedContext::folder() const {
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
