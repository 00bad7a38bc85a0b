#include "buildkit/solve/attributes.hpp"

#include <algorithm>
#include <array>

#include "base/strings.hpp"

namespace consort::buildkit {
namespace {

std::unexpected<Error> bad(const std::string& name, const std::string& value) {
  return fail(Error(Code::invalid).why("invalid value \"" + value + "\" of " + name));
}

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> parts;
  for (const std::string& part : split(text, ','))
    if (const auto word = trim(part); !word.empty()) parts.emplace_back(word);
  return parts;
}

Result<> read_ulimits(const std::string& text, build::BuildRequest& request) {
  for (const std::string& entry : list_of(text)) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) return bad("ulimit", entry);
    const std::string limits = entry.substr(equals + 1);
    const std::size_t colon = limits.find(':');
    const auto soft = parse_signed(limits.substr(0, colon));
    const auto hard = colon == std::string::npos ? soft : parse_signed(limits.substr(colon + 1));
    if (!soft || !hard) return bad("ulimit", entry);
    request.ulimits.push_back({entry.substr(0, equals), *soft, *hard});
  }
  return {};
}

Result<> read_context(const std::string& name, const std::string& value, SolvePlan& plan) {
  // "name::linux/amd64" is for one of several platforms; with a single platform there is no difference.
  const std::string plain = name.substr(0, name.find("::"));
  if (value.starts_with("local:")) {
    plan.local_contexts.push_back({plain, value.substr(6)});
  } else if (value.starts_with("input:")) {
    plan.built_contexts.push_back({plain, value.substr(6)});
  } else if (value.starts_with("oci-layout://")) {
    return fail(Error(Code::unsupported)
                    .why("build context " + plain + ": an OCI layout on the client cannot be read")
                    .hint("load it first: docker load"));
  } else {
    plan.request.additional_contexts.push_back({plain, value});
  }
  return {};
}

using Read = Result<> (*)(const std::string& value, SolvePlan& plan);

struct Known {
  std::string_view name;
  Read read;
};

constexpr std::array known{
    Known{"filename",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.filename = value;
            return {};
          }},
    Known{"target",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.request.target = value;
            return {};
          }},
    Known{"platform",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.request.platforms = list_of(value);
            return {};
          }},
    Known{"no-cache",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.request.no_cache_filter = list_of(value);
            if (plan.request.no_cache_filter.empty()) plan.request.cache = build::CacheUse::ignore;
            return {};
          }},
    Known{"image-resolve-mode",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            if (value == "pull") plan.request.pull = build::BasePull::always;
            return {};
          }},
    Known{"add-hosts",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.request.extra_hosts = list_of(value);
            return {};
          }},
    Known{"force-network-mode",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.request.network = value == "sandbox" ? "default" : value;
            return {};
          }},
    Known{"shm-size",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            const auto bytes = parse_unsigned(value);
            if (!bytes) return bad("shm-size", value);
            plan.request.shm_size_bytes = *bytes;
            return {};
          }},
    Known{"ulimit", [](const std::string& value, SolvePlan& plan) { return read_ulimits(value, plan.request); }},
    Known{"context",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.remote_context = value;
            return {};
          }},
    Known{"contextkey",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.context_directory = value;
            return {};
          }},
    Known{"dockerfilekey",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.dockerfile_directory = value;
            return {};
          }},
    Known{"requestid",
          [](const std::string& value, SolvePlan& plan) -> Result<> {
            plan.subrequest = value;
            return {};
          }},
};

}  // namespace

Result<SolvePlan> read_attributes(const Attributes& attributes) {
  SolvePlan plan;
  for (const auto& [name, value] : attributes) {
    if (name.starts_with("build-arg:")) {
      plan.request.args[name.substr(10)] = value;
    } else if (name.starts_with("label:")) {
      plan.request.labels[name.substr(6)] = value;
    } else if (name.starts_with("local-sessionid:")) {
      plan.sessions[name.substr(16)] = value;
    } else if (name.starts_with("context:")) {
      TRY(read_context(name.substr(8), value, plan));
    } else if (const auto* found = std::ranges::find(known, name, &Known::name); found != known.end()) {
      TRY(found->read(value, plan));
    }
  }
  // A Dockerfile that is in none of the client's directories: its name alone cannot lead outside.
  if (plan.filename.empty() || plan.filename.find('\0') != std::string::npos) return bad("filename", plan.filename);
  return plan;
}

}  // namespace consort::buildkit
