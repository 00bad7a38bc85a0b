#include "engine/start/oci_runtime.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/json.hpp"
#include "base/os/files/file.hpp"

namespace consort::engine {

namespace {

constexpr std::size_t max_daemon_json = std::size_t{4} << 20;
constexpr std::array<std::string_view, 8> known_runtimes{
    "runc", "crun", "youki", "runsc", "kata-runtime", "sysbox-runc", "krun", "nvidia-container-runtime"};

// Never $PATH, which belongs to the caller.
std::optional<std::string> find_program(const std::string& name) {
  for (const char* directory : {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    std::string path = std::string(directory) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

Error unknown(const std::string& name) {
  return Error(Code::invalid, "unknown or invalid runtime name: " + name);
}

Result<std::string> program_of(const std::string& name, const Json& entry, const std::string& source) {
  const std::string path = get_string(entry, "path");
  const Json* arguments = find_key(entry, "runtimeArgs");
  if (path.empty() || (arguments && !arguments->empty())) {
    return fail(Error(Code::unsupported, "runtime " + name + " of " + source)
                    .why("only a runtime with a `path` and without `runtimeArgs` is supported"));
  }
  if (path.contains('/')) {
    if (path.starts_with('/') && ::access(path.c_str(), X_OK) == 0) return path;
  } else if (std::optional<std::string> found = find_program(path)) {
    return *std::move(found);
  }
  return fail(unknown(name).hint(source + " says " + path + ", which can't be run"));
}

// Null: it registers no runtime of that name.
Result<Json> registered(const std::string& name, const std::string& source) {
  Result<std::string> text = read_file(source, max_daemon_json);
  if (!text && text.error().code() == Code::not_found) return Json();
  if (!text) return fail(std::move(text).error().wrap("read", source));
  const Json root = TRY(parse_json(*text, source));
  const Json* runtimes = find_key(root, "runtimes");
  const Json* entry = runtimes ? find_key(*runtimes, name) : nullptr;
  return entry ? *entry : Json();
}

}  // namespace

bool is_own_runtime(const std::string& name) {
  return name.empty() || name == "consort" || name == "io.containerd.runc.v2";
}

Result<std::string> runtime_program(const std::string& name, const std::string& daemon_json) {
  if (is_own_runtime(name)) return std::string();
  if (name.contains('/')) {
    return fail(unknown(name).hint("a Compose file cannot name a program; register it in " + daemon_json +
                                   ": {\"runtimes\": {\"NAME\": {\"path\": \"/path/of/the/program\"}}}"));
  }
  if (const Json entry = TRY(registered(name, daemon_json)); !entry.is_null())
    return program_of(name, entry, daemon_json);
  if (std::ranges::count(known_runtimes, name) == 0)
    return fail(unknown(name).hint("register it under `runtimes` in " + daemon_json));
  if (std::optional<std::string> found = find_program(name)) return *std::move(found);
  return fail(unknown(name).hint("is " + name + " installed?"));
}

}  // namespace consort::engine
