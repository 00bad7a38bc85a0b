// Names of a project's objects, and the labels to find them by. They are those of Docker Compose, so that users of
// either program find them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compose/model.hpp"
#include "engine/types.hpp"

namespace consort::project {

namespace label {
inline constexpr const char* project = "com.docker.compose.project";
inline constexpr const char* service = "com.docker.compose.service";
inline constexpr const char* version = "com.docker.compose.version";
inline constexpr const char* config_hash = "com.docker.compose.config-hash";
inline constexpr const char* number = "com.docker.compose.container-number";
inline constexpr const char* oneoff = "com.docker.compose.oneoff";
inline constexpr const char* working_dir = "com.docker.compose.project.working_dir";
inline constexpr const char* config_files = "com.docker.compose.project.config_files";
inline constexpr const char* environment_file = "com.docker.compose.project.environment_file";
inline constexpr const char* image = "com.docker.compose.image";
inline constexpr const char* depends_on = "com.docker.compose.depends_on";
inline constexpr const char* slug = "com.docker.compose.slug";
inline constexpr const char* replace = "com.docker.compose.replace";
inline constexpr const char* network = "com.docker.compose.network";
inline constexpr const char* volume = "com.docker.compose.volume";
inline constexpr const char* hook = "com.docker.compose.hook";  // "pre_start": a hook's container
inline constexpr const char* hook_index = "com.docker.compose.hook-index";
inline constexpr const char* job = "com.docker.job.id";
inline constexpr const char* job_run = "com.docker.job.run-id";
inline constexpr const char* provided = "dev.consort.provided";  // digest of the variables from providers and models
}  // namespace label

// Between project, service and number; "_" with --compatibility.
inline constexpr std::string_view name_separator = "-";

// "lms-web-1", or the service's container_name.
std::string container_name(const compose::Project& project, const compose::Service& service, unsigned number,
                           std::string_view separator = name_separator);
// Includes services that are not selected, since others may be built from them. Null: there is no such service.
const compose::Service* service_named(const compose::Project& project, const std::string& name);
// The image of a service: its `image:`, or PROJECT-SERVICE for one that is only built.
std::string image_name(const compose::Project& project, const compose::Service& service);
// Whether it is a hook's container, which commands neither show nor count as the service's.
bool is_hook(const engine::Container& container);
// A container's name in logs and progress: without "<project>-".
std::string short_name(const engine::Container& container);

// The key to look up a service's image: its name, with the platform if the service specifies one.
std::string image_key(const compose::Project& project, const compose::Service& service);

// Converts to and from "db:service_healthy:false,cache:service_started:true", sorted.
std::string format_depends_on(const std::map<std::string, compose::Dependency>& dependencies);
std::map<std::string, compose::Dependency> parse_depends_on(std::string_view text);
std::string_view to_string(compose::DependencyCondition condition);

// A change to what these cover makes `up` recreate the object.
std::string config_hash(const compose::Project& project, const compose::Service& service);
std::string config_hash(const compose::Network& network);
std::string config_hash(const compose::Volume& volume);

// The network or volume to create for a key of the file.
engine::NetworkSpec network_spec(const compose::Project& project, const std::string& key);
engine::VolumeSpec volume_spec(const compose::Project& project, const std::string& key);

}  // namespace consort::project
