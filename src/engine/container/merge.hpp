// The process that a container runs, from its own configuration and its image's, as Docker merges them. Pure.
#pragma once

#include "base/error.hpp"
#include "engine/types.hpp"

namespace consort::image {
struct ImageConfig;
}

namespace consort::engine {

// Code::invalid "no command specified" when neither gives one, and for a relative working directory.
Result<ProcessConfig> merge_config(const ContainerSpec& spec, const image::ImageConfig& image);

// Field by field, then the defaults of HEALTHCHECK; nullopt: there is no check.
std::optional<HealthSpec> merge_health(const std::optional<HealthSpec>& own, const std::optional<HealthSpec>& image);

// Entries of `own` first (as they stand, a "K" alone removes K), then those of `base` whose key is not among them.
Strings merge_environment(const Strings& own, const Strings& base);

// The value of `key` in a list of K=V.
std::optional<std::string> environment_value(const Strings& environment, std::string_view key);

// argv of a health check's test, ready to be executed; empty for {"NONE"} or an unknown form.
Strings health_argv(const Strings& test, const Strings& shell);

}  // namespace consort::engine
