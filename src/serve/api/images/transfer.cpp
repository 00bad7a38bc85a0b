// Images that come and go: pull, push, import, load, save; and queries to registries.
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stop_token>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "engine/image_change.hpp"
#include "engine/images.hpp"
#include "engine/remote_images.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/images/registry_auth.hpp"
#include "serve/api/images/transfer_lines.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

using image::Reference;

// "postgres" and "15", "x" and "sha256:...": name and `tag` of a query.
Result<Reference> reference_of(const std::string& name, const std::string& tag) {
  const std::string text = tag.empty() ? name : name + (tag.contains(':') ? "@" : ":") + tag;
  auto reference = Reference::parse(text);
  if (!reference) return fail(http_error(400, reference.error().message()));
  return reference;
}

Result<std::optional<image::Platform>> platform_of(const Call& call) {
  const std::string text = call.query("platform");
  if (text.empty()) return std::nullopt;
  auto platform = image::Platform::parse(text);
  if (!platform) return fail(http_error(400, platform.error().message()));
  return std::optional(*platform);
}

// Reports to the client, and ends the transfer when it has gone.
image::Progress progress_to(TransferLines& lines, std::stop_source& stop) {
  return [&lines, &stop](const image::ProgressEvent& event) {
    if (!lines.tell(event)) stop.request_stop();
  };
}

// For a pull and a push. The options refer to what is returned.
template <typename Options>
Result<ClientCredentials> set_options(Call& call, const Reference& reference, const std::stop_source& stop,
                                      Options& options) {
  options.platform = TRY(platform_of(call));
  ClientCredentials credentials = TRY(ClientCredentials::of(call, reference.registry));
  options.registry = credentials.options();
  options.cancel = stop.get_token();
  return credentials;
}

Result<> pull(Call& call) {
  const Reference reference = TRY(reference_of(call.query("fromImage"), call.query("tag")));
  std::stop_source stop;
  image::PullOptions options;
  const ClientCredentials credentials = TRY(set_options(call, reference, stop, options));
  engine::Engine& engine = *TRY(call.engine());
  return call.lines([&](const Call::LineWriter& line) -> Result<> {
    TransferLines lines(line, Direction::pull,
                        {{"status", "Pulling from " + reference.repository}, {"id", reference.selector()}});
    auto pulled = engine.images().pull(reference, options, progress_to(lines, stop));
    if (!pulled && pulled.error().code() == Code::denied) return fail(http_error(404, pulled.error().message()));
    if (!pulled) return fail(std::move(pulled).error());
    TRY(lines.begin());
    TRY(line({{"status", "Digest: " + pulled->manifest.text()}}));
    const char* what = pulled->changed ? "Status: Downloaded newer image for " : "Status: Image is up to date for ";
    return line({{"status", what + reference.familiar()}});
  });
}

Result<image::ImportOptions> import_options(const Call& call, const std::string& source) {
  image::ImportOptions options;
  options.comment = call.query("message");
  if (options.comment.empty()) options.comment = "Imported from " + source;
  if (const auto platform = TRY(platform_of(call))) options.config.platform = *platform;
  if (const std::string name = call.query("repo"); !name.empty())
    options.names.push_back(TRY(reference_of(name, call.query("tag"))));
  for (const std::string& change : call.request().query.all("changes"))
    TRY(engine::apply_change(change, options.config));
  return options;
}

// Also "host/file.tar".
Result<> import_from_url(Call& call, const std::string& source) {
  const std::string url = source.contains("://") ? source : "http://" + source;
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return fail(http_error(500, "Get \"" + url + "\": unsupported protocol scheme"));
  const image::ImportOptions options = TRY(import_options(call, source));
  engine::Engine& engine = *TRY(call.engine());
  std::stop_source stop;
  return call.lines([&](const Call::LineWriter& line) -> Result<> {
    DownloadLines lines(line, url);
    const auto told = [&](std::uint64_t now, std::uint64_t total) { return lines.tell(now, total); };
    auto made = engine::import_from(engine.images(), url, options, told, stop.get_token());
    if (!made) return fail(http_error(500, made.error().message()));
    return line({{"status", made->id}});
  });
}

Result<> import(Call& call) {
  if (const std::string source = call.query("fromSrc"); source != "-") return import_from_url(call, source);
  const image::ImportOptions options = TRY(import_options(call, "-"));
  engine::Engine& engine = *TRY(call.engine());
  return call.lines([&](const Call::LineWriter& line) -> Result<> {
    std::string id;
    TRY(call.body_to([&](int in) -> Result<> {
      auto made = engine.images().import(in, options);
      if (!made) return fail(http_error(500, made.error().message()));
      id = made->id;
      return {};
    }));
    return line({{"status", id}});
  });
}

Result<> create_image(Call& call) {
  return call.query("fromImage").empty() && call.has("fromSrc") ? import(call) : pull(call);
}

Result<> push_image(Call& call) {
  const Reference reference = TRY(reference_of(call.variable("name"), call.query("tag")));
  std::stop_source stop;
  image::PushOptions options;
  const ClientCredentials credentials = TRY(set_options(call, reference, stop, options));
  engine::Engine& engine = *TRY(call.engine());
  return call.lines([&](const Call::LineWriter& line) -> Result<> {
    TransferLines lines(line, Direction::push,
                        {{"status", "The push refers to repository [" + reference.name() + "]"}});
    TRY(lines.begin());
    if (!engine.images().find(reference.full()))
      return fail(Error(Code::not_found, "An image does not exist locally with the tag: " + reference.familiar_name()));
    const image::PushResult pushed = TRY(engine.images().push(reference, options, progress_to(lines, stop)));
    const std::string digest = pushed.manifest.text();
    TRY(line({{"status", reference.tag + ": digest: " + digest + " size: " + std::to_string(pushed.size)}}));
    return line({{"progressDetail", Json::object()},
                 {"aux", {{"Tag", reference.tag}, {"Digest", digest}, {"Size", pushed.size}}}});
  });
}

Result<> save(Call& call, const std::vector<std::string>& names) {
  engine::Engine& engine = *TRY(call.engine());
  for (const std::string& name : names) {
    const auto found = engine.images().find(name);
    if (!found && found.error().code() == Code::not_found) return fail(http_error(404, "No such image: " + name));
    if (!found) return fail(found.error());
  }
  image::SaveOptions options{.platform = TRY(platform_of(call))};
  std::stop_source stop;
  options.cancel = stop.get_token();
  return call.pipe_out(content::tar, [&](int out) { return engine.images().save(names, out, options); });
}

Result<> save_one(Call& call) {
  return save(call, {call.variable("name")});
}

Result<> save_several(Call& call) {
  return save(call, call.request().query.all("names"));
}

Result<> load(Call& call) {
  engine::Engine& engine = *TRY(call.engine());
  const image::PullOptions options{.platform = TRY(platform_of(call))};
  return call.lines([&](const Call::LineWriter& line) -> Result<> {
    image::LoadResult loaded;
    const Result<> read = call.body_to([&](int in) -> Result<> {
      loaded = TRY(engine.images().load(in, options));
      return {};
    });
    // Problems with an archive are reported in the stream, which in Docker begins with its first byte.
    if (!read) return line({{"errorDetail", {{"message", read.error().message()}}}, {"error", read.error().message()}});
    for (const std::string& name : loaded.names) {
      const auto reference = Reference::parse(name);
      TRY(line({{"stream", "Loaded image: " + (reference ? reference->familiar() : name) + "\n"}}));
    }
    const auto came_named = [&](const image::Image& image) {
      const auto given = [&](const std::string& name) { return std::ranges::count(loaded.names, name) > 0; };
      return std::ranges::any_of(image.names, given) || std::ranges::any_of(image.other_names, given);
    };
    for (const image::Image& image : loaded.images)
      if (!came_named(image)) TRY(line({{"stream", "Loaded image ID: " + image.id + "\n"}}));
    return {};
  });
}

// What a registry has under a name.
Result<> inspect_distribution(Call& call) {
  const Reference reference = TRY(reference_of(call.variable("name"), ""));
  const ClientCredentials credentials = TRY(ClientCredentials::of(call, reference.registry));
  auto found = TRY(call.engine())->images().inspect_remote(reference, credentials.options());
  if (!found && found.error().code() == Code::denied) return fail(http_error(401, found.error().message()));
  if (!found) return fail(std::move(found).error());
  Json platforms = Json::array();
  for (const image::Platform& platform : found->platforms) {
    Json one{{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) one["variant"] = platform.variant;
    platforms.push_back(std::move(one));
  }
  return call.json(
      200, {{"Descriptor", {{"mediaType", found->media_type}, {"digest", found->digest.text()}, {"size", found->size}}},
            {"Platforms", std::move(platforms)}});
}

// Docker Hub's own index, which is not a registry.
Result<> search(Call& call) {
  constexpr std::string_view known[] = {"is-automated", "is-official", "stars"};
  constexpr std::int64_t usual = 25, most = 100;
  const std::int64_t limit = TRY(call.number("limit")).value_or(usual);
  if (limit < 1 || limit > most)
    return fail(http_error(400, "limit " + std::to_string(limit) + " is outside the range of [1, 100]"));
  const Filters filters = TRY(Filters::of(call, known));
  const auto official = TRY(filters.boolean("is-official")), automated = TRY(filters.boolean("is-automated"));
  std::int64_t stars = 0;
  for (const std::string& text : filters.values("stars")) {
    const auto number = parse_signed(text);
    if (!number) return fail(http_error(400, "invalid filter 'stars=" + text + "'"));
    stars = std::max(stars, *number);
  }
  const std::stop_source stop;
  const auto answer = engine::search_images(call.query("term"), static_cast<std::size_t>(limit), stop.get_token());
  if (!answer) return fail(http_error(500, answer.error().message()));
  const Json found = TRY(parse_json(*answer, "answer of the index"));
  const Json* results = find_key(found, "results");
  Json rows = Json::array();
  for (const Json& row : results && results->is_array() ? *results : Json::array()) {
    if (official && *official != get_bool(row, "is_official")) continue;
    if (automated && *automated != get_bool(row, "is_automated")) continue;
    if (get_int(row, "star_count") >= stars) rows.push_back(row);
  }
  return call.json(200, rows);
}

Result<> authenticate(Call& call) {
  const Json body = TRY(call.body());
  std::string registry = get_string(body, "serveraddress");
  for (const char* scheme : {"https://", "http://"})
    if (registry.starts_with(scheme)) registry.erase(0, std::string_view(scheme).size());
  registry = registry.substr(0, registry.find('/'));
  if (registry.empty() || registry == "index.docker.io" || registry == "registry-1.docker.io") registry = "docker.io";
  // The client stores credentials: what is written here is removed again.
  std::string directory = call.service().roots().run + "/login.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return fail_errno("create directory", directory);
  image::RegistryOptions options;
  options.docker_config = directory + "/config.json";
  const std::string token = get_string(body, "identitytoken");
  const auto checked = image::login(
      registry, {get_string(body, "username"), token.empty() ? get_string(body, "password") : token}, options);
  (void)remove_tree(directory);
  if (!checked) {
    const int status = checked.error().code() == Code::denied ? 401 : 500;
    return fail(http_error(status, checked.error().message()));
  }
  return call.json(200, {{"IdentityToken", ""}, {"Status", "Login Succeeded"}});
}

constexpr Route table[] = {
    {"POST", "/images/create", create_image},
    {"POST", "/images/load", load},
    {"GET", "/images/get", save_several},
    {"GET", "/images/search", search},  // as the others here: it asks any address, in the machine's name
    {"GET", "/images/{name...}/get", save_one},
    {"POST", "/images/{name...}/push", push_image},
    {"GET", "/distribution/{name...}/json", inspect_distribution},
    {"POST", "/auth", authenticate},
};

}  // namespace

std::span<const Route> transfer_routes() {
  return table;
}

}  // namespace consort::serve
