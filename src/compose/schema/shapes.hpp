// Shapes shared by the files of this directory. All are constants, so the order in which these files are initialized
// does not matter.
#pragma once

#include "compose/schema.hpp"

namespace consort::compose::shapes {

using std::string_view;

// values.cpp
extern const Shape text, text_or_null, flag, strict_flag, whole, strict_whole, numeric, strict_number, duration, size,
    size_integer, size_text, text_or_integer, text_or_flag, option_value, scalar_value, count_0, percent, oom_score,
    file_mode, texts, unique_texts, unique_scalars, text_or_texts, text_or_any_texts, command, list_or_map, option_map,
    text_map, extra_hosts, ulimits, file_references;

// build.cpp
extern const Shape build;

// resources.cpp
extern const Shape blkio, gpus, deploy;

// mounts.cpp
extern const Shape mounts;

// service_parts.cpp
extern const Shape hooks, develop, depends_on, env_files, extends, healthcheck, logging, service_networks, ports,
    devices, service_models, credential_spec, provider;

// service.cpp
extern const Shape services;

}  // namespace consort::compose::shapes
