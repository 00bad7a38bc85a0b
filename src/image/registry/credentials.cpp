#include "image/registry/credentials.hpp"

#include <cstdlib>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/loop/stop_event.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "image/http/http.hpp"

namespace consort::image {

namespace {

constexpr std::string_view hub_key = "https://index.docker.io/v1/";
constexpr std::size_t max_config = 4 << 20;
constexpr const char* auth_variable = "DOCKER_AUTH_CONFIG";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_hub(const std::string& registry) {
  return registry == "docker.io" || registry == "registry-1.docker.io" || registry == "index.docker.io";
}

// The key that docker login uses.
std::string key_of(const std::string& registry) {
  return is_hub(registry) ? std::string(hub_key) : registry;
}

// "https://host:5000/v1/" -> "host:5000": old clients wrote whole URLs.
std::string_view host_of(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  return key.substr(0, key.find('/'));
}

Result<Json> parse_config(std::string_view text, const std::string& source) {
  Json config = TRY(parse_json(text, source));
  if (!config.is_object()) return fail(Error(Code::invalid, "read").on(source).why("an object is expected"));
  return config;
}

Result<Json> load(const std::string& path) {
  if (path.empty() || !path_exists(path)) return Json::object();
  return parse_config(TRY(read_file(path, max_config)), path);
}

Result<std::optional<Credential>> from_entry(const Json& entry, const std::string& path) {
  Credential credential;
  credential.identity_token = get_string(entry, "identitytoken");
  credential.username = get_string(entry, "username");
  credential.password = get_string(entry, "password");
  if (const std::string auth = get_string(entry, "auth"); !auth.empty()) {
    const std::string decoded = base64_decode(auth).value_or("");
    const std::size_t colon = decoded.find(':');
    if (colon == std::string::npos)
      return fail(
          Error(Code::invalid, "read credentials").on(path).why("an auth entry is not base64 of user:password"));
    credential.username = decoded.substr(0, colon);
    credential.password = decoded.substr(colon + 1);
    credential.password.erase(credential.password.find_last_not_of('\0') + 1);
  }
  if (credential.username.empty() && credential.identity_token.empty()) return std::nullopt;
  return credential;
}

Result<std::optional<Credential>> find_stored(const Json& config, const std::string& registry,
                                              const std::string& source) {
  const Json* auths = find_key(config, "auths");
  if (!auths || !auths->is_object()) return std::nullopt;
  if (const Json* exact = find_key(*auths, key_of(registry))) return from_entry(*exact, source);
  for (const auto& item : auths->items()) {
    const std::string_view host = host_of(item.key());
    if (host == registry || (is_hub(registry) && is_hub(std::string(host)))) return from_entry(item.value(), source);
  }
  return std::nullopt;
}

std::string helper_for(const Json& config, const std::string& registry) {
  if (const Json* helpers = find_key(config, "credHelpers")) {
    for (const std::string& key : {key_of(registry), registry})
      if (std::string name = get_string(*helpers, key); !name.empty()) return name;
  }
  return get_string(config, "credsStore");
}

Result<Captured> run_helper(const std::string& name, const char* verb, const std::string& input,
                            const std::stop_token& cancel = {}) {
  // The name becomes part of a program's name; a path in it would start something else.
  if (name.find('/') != std::string::npos)
    return fail(Error(Code::invalid, "use credential helper").on(name).why("a name without slashes is expected"));
  SpawnOptions options;
  options.argv = {"docker-credential-" + name, verb};
  const StopEvent stop = TRY(StopEvent::of(cancel));
  return TRY_WRAP(run_and_capture(std::move(options), input, max_config, stop.fd()), "use credential helper", name);
}

Result<std::optional<Credential>> ask_helper(const std::string& name, const std::string& registry,
                                             const std::stop_token& cancel) {
  const Captured answer = TRY(run_helper(name, "get", key_of(registry), cancel));
  if (!answer.status.success()) {
    const std::string text = answer.out + answer.err;
    if (text.contains("credentials not found")) return std::nullopt;
    return fail(Error(Code::denied, "use credential helper").on(name).why(std::string(trim(text.substr(0, 400)))));
  }
  const Json json = TRY(parse_json(answer.out, "answer of docker-credential-" + name));
  Credential credential{get_string(json, "Username"), get_string(json, "Secret"), {}};
  if (credential.username == "<token>") credential = {{}, {}, credential.password};
  if (credential.username.empty() && credential.identity_token.empty()) return std::nullopt;
  return credential;
}

}  // namespace

Result<std::optional<Credential>> stored_credential(std::string_view config_json, const std::string& registry,
                                                    const std::string& source) {
  return find_stored(TRY(parse_config(config_json, source)), registry, source);
}

CredentialStore::CredentialStore(const std::string& path) : path_(path) {
  if (!path_.empty()) return;
  const std::string directory = environment("DOCKER_CONFIG");
  const std::string home = environment("HOME");
  if (!directory.empty())
    path_ = directory + "/config.json";
  else if (!home.empty())
    path_ = home + "/.docker/config.json";
}

Result<CredentialLookup> CredentialStore::find(const std::string& registry, const std::stop_token& cancel) const {
  CredentialLookup lookup;
  // Returns true if the search ends: it was found, or the caller has given up.
  const auto take = [&](Result<std::optional<Credential>> found) {
    if (found && *found) lookup.credential = std::move(**found);
    if (!found) lookup.trouble.push_back(std::move(found).error());
    return lookup.credential.has_value() || cancel.stop_requested();
  };
  const auto search = [&] {
    if (const std::string text = environment(auth_variable); !text.empty())
      if (take(stored_credential(text, registry, "$" + std::string(auth_variable)))) return;
    const Result<Json> config = load(path_);
    if (!config) return (void)take(fail(config.error()));
    const std::string helper = helper_for(*config, registry);
    if (!helper.empty() && take(ask_helper(helper, registry, cancel))) return;
    (void)take(find_stored(*config, registry, path_));
  };
  search();
  if (cancel.stop_requested()) return fail(Code::interrupted, "look for credentials");
  return lookup;
}

Result<std::string> CredentialStore::put(const std::string& registry, const Credential& credential) const {
  Json config = TRY(load(path_));
  const std::string key = key_of(registry);
  Json& auths = config["auths"];
  if (!auths.is_object()) auths = Json::object();
  const std::string helper = helper_for(config, registry);
  std::string place = path_;
  if (!helper.empty()) {
    const bool token = !credential.identity_token.empty();
    const Json input{{"ServerURL", key},
                     {"Username", token ? "<token>" : credential.username},
                     {"Secret", token ? credential.identity_token : credential.password}};
    const Captured answer = TRY(run_helper(helper, "store", dump_json(input)));
    if (!answer.status.success())
      return fail(Error(Code::io, "store credentials")
                      .on("docker-credential-" + helper)
                      .why(std::string(trim(answer.out + answer.err))));
    auths[key] = Json::object();
    place = "credential helper " + helper;
  } else {
    Json entry = Json::object();
    entry["auth"] = base64_encode(credential.username + ":" + credential.password);
    if (!credential.identity_token.empty()) entry["identitytoken"] = credential.identity_token;
    auths[key] = std::move(entry);
  }
  TRY(make_directories(dir_name(path_), 0700));
  TRY(write_file_atomic(path_, dump_json(config, 8) + "\n", 0600, Durability::durable));
  return place;
}

Result<> CredentialStore::erase(const std::string& registry) const {
  Json config = TRY(load(path_));
  const std::string helper = helper_for(config, registry);
  if (!helper.empty()) (void)TRY(run_helper(helper, "erase", key_of(registry)));  // "not found" is success
  const auto auths = config.find("auths");
  if (auths == config.end() || !auths->is_object()) return {};
  std::vector<std::string> keys{key_of(registry)};
  for (const auto& item : auths->items())
    if (host_of(item.key()) == registry) keys.push_back(item.key());
  bool changed = false;
  for (const std::string& key : keys) changed = auths->erase(key) > 0 || changed;
  if (!changed) return {};
  return write_file_atomic(path_, dump_json(config, 8) + "\n", 0600, Durability::durable);
}

}  // namespace consort::image
