// Merges a container's own configuration with its image's, as Docker does, into the process to run. Pure functions.
#pragma once

#include "base/error.hpp"
#include "engine/types.hpp"

namespace consort::image {
struct ImageConfig;
}

namespace consort::engine {

// Code::invalid: "no command specified" if neither gives one, or the working directory is relative.
Result<ProcessConfig> merge_config(const ContainerSpec& spec, const image::ImageConfig& image);

// Merges field by field, then fills in the defaults of HEALTHCHECK; nullopt: no health check.
std::optional<HealthSpec> merge_health(const std::optional<HealthSpec>& own, const std::optional<HealthSpec>& image);

// The entries of `own` first (unchanged; "K" alone removes K), then those of `base` whose key is not among them.
Strings merge_environment(const Strings& own, const Strings& base);

// The value of `key` in a list of "K=V".
std::optional<std::string> environment_value(const Strings& environment, std::string_view key);

// argv of a health check's test, ready to execute; empty for {"NONE"} or an unknown form.
Strings health_argv(const Strings& test, const Strings& shell);

}  // namespace consort::engine
