// `run`: a container of a service for one command.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "project/exec/session.hpp"
#include "project/plan/converge.hpp"
#include "project/plan/images.hpp"

namespace consort::project {

struct OneoffOptions {
  std::optional<compose::Strings> command;
  std::optional<compose::Strings> entrypoint;
  std::vector<std::string> environment;  // "K=V", or "K" to unset
  std::map<std::string, std::string> labels;
  std::vector<engine::MountSpec> mounts;
  std::vector<engine::PortBinding> ports;
  bool service_ports = false;
  bool use_aliases = false;
  bool tty = false;
  bool open_stdin = true;
  bool auto_remove = false;  // removed when it has ended; see engine::CreatedContainer
  std::string name, user, working_dir;
  std::vector<std::string> cap_add, cap_drop;
  // What to do before.
  bool with_dependencies = true;
  // For existing containers; a scheduled run changes none.
  Recreate recreate = Recreate::diverged;
  ImageOptions images;
  RunDetail detail;
  Orphans orphans = Orphans::ignore;
};

// Starts the service's dependencies, creates networks, volumes and the image, then creates the container without
// starting it. The session's project must contain the service and its dependencies.
Result<engine::CreatedContainer> create_oneoff(Session& session, const std::string& service,
                                               const OneoffOptions& options);

// Runs the service's post_start hooks in its one-off container, which has just been started.
Result<> run_post_start(Session& session, const std::string& service, const std::string& container);

// The specification of the container. Pure.
Result<engine::ContainerSpec> oneoff_spec(const Session& session, const compose::Service& service,
                                          const OneoffOptions& options, const std::string& slug);

}  // namespace consort::project
