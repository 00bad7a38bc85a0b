// linux.seccomp: seccomp.hpp compiles the rules; this file determines how they are loaded.
#include <linux/seccomp.h>

#include "base/json.hpp"
#include "runtime/bundle/parts.hpp"
#include "runtime/seccomp.hpp"

namespace consort::runtime::internal {

namespace {

constexpr std::uint32_t wait_killable = 1U << 5;  // since Linux 5.19

Result<std::uint32_t> flag_of(const std::string& name) {
  if (name == "SECCOMP_FILTER_FLAG_TSYNC") return 0;  // the process has a single thread
  if (name == "SECCOMP_FILTER_FLAG_LOG") return SECCOMP_FILTER_FLAG_LOG;
  if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  if (name == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") return wait_killable;
  return fail(Error(Code::invalid, "linux.seccomp.flags").on("\"" + name + "\"").why("unknown flag"));
}

bool asks(const Json& profile) {
  const Json* rules = find_key(profile, "syscalls");
  if (!rules || !rules->is_array()) return false;
  for (const Json& rule : *rules)
    if (get_string(rule, "action") == "SCMP_ACT_NOTIFY") return true;
  return false;
}

// The program reports its listener's number with write(), before anything listens.
Result<> check_notify(const Json& profile, const std::string& listener) {
  if (get_string(profile, "defaultAction") == "SCMP_ACT_NOTIFY")
    return fail(
        Error(Code::invalid, "linux.seccomp.defaultAction").why("SCMP_ACT_NOTIFY cannot be the default action"));
  if (listener.empty() && asks(profile))
    return fail(Error(Code::invalid, "linux.seccomp.listenerPath").why("SCMP_ACT_NOTIFY needs one"));
  const Json* rules = find_key(profile, "syscalls");
  if (!rules || !rules->is_array()) return {};
  for (const Json& rule : *rules)
    if (get_string(rule, "action") == "SCMP_ACT_NOTIFY")
      for (const std::string& name : get_strings(rule, "names"))
        if (name == "write")
          return fail(Error(Code::invalid, "linux.seccomp.syscalls").why("SCMP_ACT_NOTIFY cannot be used for write"));
  return {};
}

}  // namespace

Result<BundleFilter> compile_filter(std::string_view config, const std::string& source) {
  BundleFilter filter;
  const Json root = TRY(parse_json(config, source));
  const Json* const section = find_key(root, "linux");
  const Json* const profile = section ? find_key(*section, "seccomp") : nullptr;
  if (!profile || profile->is_null()) return filter;
  filter.listener_path = get_string(*profile, "listenerPath");
  filter.listener_metadata = get_string(*profile, "listenerMetadata");
  TRY(check_notify(*profile, filter.listener_path));
  if (!asks(*profile)) filter.listener_path.clear();
  // As in runc: if the file does not mention flags, programs are not slowed down.
  if (find_key(*profile, "flags")) {
    for (const std::string& name : get_strings(*profile, "flags")) filter.flags |= TRY(flag_of(name));
  } else {
    filter.flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  }
  filter.program = TRY_WRAP(compile_seccomp(dump_json(*profile)), "linux.seccomp");
  return filter;
}

}  // namespace consort::runtime::internal
