// POST /commit: an image from a container's changes.
#include "base/strings.hpp"
#include "engine/image_change.hpp"
#include "engine/images.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

// Config in the body wins over the container's own.
void apply_config(image::ImageConfig& config, const Json& body) {
  const auto list = [&](const char* key, std::vector<std::string>& value) {
    if (const Json* said = find_key(body, key); said && said->is_array()) value = get_strings(body, key);
  };
  const auto text = [&](const char* key, std::string& value) {
    if (const std::string said = get_string(body, key); !said.empty()) value = said;
  };
  list("Cmd", config.cmd);
  list("Entrypoint", config.entrypoint);
  text("User", config.user);
  text("WorkingDir", config.working_dir);
  text("StopSignal", config.stop_signal);
  for (const std::string& entry : get_strings(body, "Env")) {
    const std::string key = entry.substr(0, entry.find('=') + 1);
    std::erase_if(config.env, [&](const std::string& other) { return !key.empty() && other.starts_with(key); });
    config.env.push_back(entry);
  }
  if (const Json* labels = find_key(body, "Labels"); labels && labels->is_object())
    for (const auto& [key, value] : labels->items())
      if (value.is_string()) config.labels[key] = value.get<std::string>();
}

// Frozen while its files are read.
class Frozen {
 public:
  static Result<Frozen> begin(engine::Engine& engine, const std::string& id) {
    TRY(engine.pause_container(id));
    return Frozen(&engine, id);
  }
  Frozen(Frozen&& other) noexcept : engine_(std::exchange(other.engine_, nullptr)), id_(std::move(other.id_)) {}
  Frozen& operator=(Frozen&&) = delete;
  ~Frozen() {
    if (engine_) (void)engine_->unpause_container(id_);  // one that has ended meanwhile needs none
  }

 private:
  Frozen(engine::Engine* engine, std::string id) : engine_(engine), id_(std::move(id)) {}
  engine::Engine* engine_;
  std::string id_;
};

Result<> commit_container(Call& call) {
  const Json body = TRY(call.body(Call::Body::optional));
  const engine::ContainerDetails container = TRY(find_container(call, call.query("container")));
  engine::CommitSpec spec{.comment = call.query("comment")};
  if (const std::string repository = call.query("repo"); !repository.empty()) {
    const std::string tag = call.query("tag");
    auto reference = image::Reference::parse(tag.empty() ? repository : repository + ":" + tag);
    if (!reference) return fail(http_error(400, "invalid reference format"));
    spec.names.push_back(std::move(*reference));
  }
  if (call.has("author")) spec.author = call.query("author");
  const std::vector<std::string> changes = call.request().query.all("changes");
  spec.change = [&](image::ImageConfig& config) -> Result<> {
    apply_config(config, body);
    for (const std::string& lines : changes)
      for (const std::string& line : split(lines, '\n'))
        if (!trim(line).empty()) TRY(engine::apply_change(std::string(trim(line)), config));
    return {};
  };
  engine::Engine& engine = *TRY(call.engine());
  std::optional<Frozen> frozen;
  if (call.flag("pause", true) && container.state.status == engine::Status::running) {
    Result<Frozen> begun = Frozen::begin(engine, container.id);
    // Where pausing is impossible (a user without cgroups), the result is that of pause=0. A container that has ended
    // in the meantime needs no freezing.
    const bool needed =
        !begun && begun.error().code() != Code::unsupported && TRY(engine.inspect(container.id)).state.running();
    if (needed) return fail(std::move(begun).error());
    if (begun) frozen.emplace(std::move(*begun));
  }
  const image::Image made = TRY(engine.images().commit(container.id, spec));
  frozen.reset();
  return call.json(201, {{"Id", made.id}});
}

constexpr Route table[] = {{"POST", "/commit", commit_container}};

}  // namespace

std::span<const Route> commit_routes() {
  return table;
}

}  // namespace consort::serve
