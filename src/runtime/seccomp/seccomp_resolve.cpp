// Profiles in Docker's format: like OCI's, with conditions on architecture, kernel and capabilities.
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "runtime/defaults.hpp"
#include "runtime/seccomp.hpp"

namespace consort::runtime {

namespace {

#if defined(__aarch64__)
constexpr std::string_view native_name = "arm64";
constexpr std::string_view native_architecture = "SCMP_ARCH_AARCH64";
#else
constexpr std::string_view native_name = "amd64";
constexpr std::string_view native_architecture = "SCMP_ARCH_X86_64";
#endif

bool kernel_is_at_least(const std::string& wanted) {
  struct Version {
    unsigned major = 0, minor = 0;
  };
  const auto parse = [](const char* text) {
    Version version;
    (void)std::sscanf(text, "%u.%u", &version.major, &version.minor);
    return version;
  };
  utsname name;
  if (::uname(&name) != 0) return false;
  const Version have = parse(name.release);
  const Version need = parse(wanted.c_str());
  return have.major > need.major || (have.major == need.major && have.minor >= need.minor);
}

struct Matched {
  bool any = false;  // at least one of the listed conditions holds
  bool all = true;   // every kind of condition holds
};

Matched match(const Json& condition, std::uint64_t capabilities) {
  Matched matched;
  const auto note = [&matched](bool holds) {
    matched.any |= holds;
    matched.all &= holds;
  };
  for (const std::string& name : get_strings(condition, "caps")) {
    const auto number = capability_number(name);
    note(number && (capabilities >> *number & 1));
  }
  if (const auto names = get_strings(condition, "arches"); !names.empty())
    note(std::ranges::find(names, native_name) != names.end());
  if (const std::string kernel = get_string(condition, "minKernel"); !kernel.empty()) note(kernel_is_at_least(kernel));
  return matched;
}

bool applies(const Json& rule, std::uint64_t capabilities) {
  const Json* includes = find_key(rule, "includes");
  const Json* excludes = find_key(rule, "excludes");
  if (excludes && match(*excludes, capabilities).any) return false;
  return !includes || match(*includes, capabilities).all;
}

Json architectures_of(const Json& profile) {
  if (const Json* list = find_key(profile, "architectures"); list && !list->empty()) return *list;
  Json architectures = Json::array();
  const Json* map = find_key(profile, "archMap");
  if (!map || !map->is_array()) return architectures;
  for (const Json& entry : *map) {
    if (get_string(entry, "architecture") != native_architecture) continue;
    architectures.push_back(native_architecture);
    for (const std::string& sub : get_strings(entry, "subArchitectures")) architectures.push_back(sub);
  }
  return architectures;
}

}  // namespace

Result<std::string> resolve_seccomp_profile(std::string_view docker_json, const std::string& source,
                                            std::uint64_t capabilities) {
  const Json profile = TRY(parse_json(docker_json, source));
  if (get_string(profile, "defaultAction").empty())
    return fail(Error(Code::invalid, "read seccomp profile").on(source).why("it has no defaultAction"));
  Json resolved = {{"defaultAction", profile["defaultAction"]}, {"architectures", architectures_of(profile)}};
  if (const Json* number = find_key(profile, "defaultErrnoRet")) resolved["defaultErrnoRet"] = *number;
  Json rules = Json::array();
  if (const Json* list = find_key(profile, "syscalls"); list && list->is_array()) {
    for (const Json& rule : *list) {
      if (!rule.is_object() || !applies(rule, capabilities)) continue;
      Json kept = {{"names", get_strings(rule, "names")}, {"action", get_string(rule, "action")}};
      if (const std::string name = get_string(rule, "name"); !name.empty()) kept["names"].push_back(name);
      if (const Json* args = find_key(rule, "args"); args && args->is_array()) kept["args"] = *args;
      if (const Json* number = find_key(rule, "errnoRet")) kept["errnoRet"] = *number;
      rules.push_back(std::move(kept));
    }
  }
  resolved["syscalls"] = std::move(rules);
  return dump_json(resolved);
}

}  // namespace consort::runtime
