// The parts of a container's unit. Each source file in this directory makes the ones listed under its name below.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "units/unit_text.hpp"
#include "units/units.hpp"

namespace consort::units {

// An option of `podman run`, and the Quadlet key for it since 5.2; "": no key, the option goes into PodmanArgs.
struct Option {
  // How the key takes its value: unchanged, quoted, "true".
  enum class Form : std::uint8_t { text, word, on };
  std::string_view key;
  std::string flag;  // "--cap-add"
  std::string value;
  Form form = Form::text;
  std::string_view directory = {};  // precedes the value and is expanded by systemd: "%Y/"
};

// A file next to the units, as they refer to it.
struct Beside {
  std::string_view directory;  // "%Y/", the unit's directory; "": `path` is the whole path
  std::string path;
};

// What the functions below work on. The references are borrowed for the duration of podman_units().
struct Scope {
  const compose::Project& project;
  const project::DesiredProject& desired;
  Podman kind;
  std::set<std::string> built;           // names of images that the project builds
  std::set<std::string> awaited_end;     // services whose end others wait for
  std::set<std::string> awaited_health;  // services whose health others wait for
  Units& out;

  bool is_quadlet() const { return kind == Podman::quadlet; }
  // The name of a unit without its suffix: "app-web".
  std::string unit(std::string_view of) const { return project.name + "-" + std::string(of); }
  // The service that Quadlet generates for PROJECT-KEY.volume and the like.
  std::string service_of(std::string_view key, std::string_view kind_of) const {
    return unit(key) + "-" + std::string(kind_of) + ".service";
  }
  void add(std::string path, std::string text) const { out.files.push_back({std::move(path), std::move(text)}); }
  Beside add_beside(const std::string& name, const std::string& content, std::uint32_t mode) const;
  // Adds a note at an attribute of a service or job, given by its path below it.
  void note(const project::DesiredService& service, const compose::Strings& path, std::string message,
            std::string help) const;
};

// A container's unit under construction.
struct ContainerUnit {
  std::string container;        // the container's name
  std::vector<Option> options;  // for `podman run`
  std::string global;           // for podman itself
  std::string image;            // or PROJECT-SERVICE.build
  std::vector<std::string> command;
  std::vector<std::string> needs;                            // Requires= and After=
  std::vector<std::string> likes;                            // Wants= and After=
  std::vector<std::string> shares;                           // BindsTo= and After=: it shares a namespace of theirs
  std::vector<std::pair<std::string, std::string>> service;  // keys of [Service]
  std::vector<std::string> before;                           // commands before the container, quoted
  std::vector<std::string> after_start, before_stop;         // likewise, while it runs
  std::string start_limit;                                   // maximum number of starts; "": without limit
  bool ends = false;                                         // run to completion instead of kept running
  bool stays = false;                                        // others wait for its end
  bool awaited = false;                                      // it counts as started once it is healthy
  bool installed = true;                                     // starts at boot

  void text(std::string_view key, std::string flag, std::string value) {
    options.push_back({key, std::move(flag), std::move(value), Option::Form::text});
  }
  void word(std::string_view key, std::string flag, std::string value) {
    options.push_back({key, std::move(flag), std::move(value), Option::Form::word});
  }
  void on(std::string_view key, std::string flag) { options.push_back({key, std::move(flag), {}, Option::Form::on}); }
};

// The name of a service's first container, for units that share one of its namespaces.
std::string container_of(const Scope& scope, const std::string& service);
// The service or job as the file defines it.
const compose::Service& file_of(const Scope& scope, const project::DesiredService& service);
// The name for Podman: with the registry that Docker would add, or "localhost" for images built here.
Result<std::string> full_image(const Scope& scope, const std::string& name);

// process.cpp: the process, its user, its privileges and its limits.
void add_process(const project::DesiredService& service, ContainerUnit& unit);
void add_security(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
void add_health(const project::DesiredService& service, ContainerUnit& unit);
// environment.cpp
void add_environment(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
// limits.cpp
void add_limits(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
void add_devices(const project::DesiredService& service, ContainerUnit& unit);
// networks.cpp
void add_networks(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
void add_names(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
void add_ports(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
void add_network_unit(const Scope& scope, const std::string& key, const compose::Network& network);
// mounts.cpp
void add_mounts(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
void add_files(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
void add_volume_unit(const Scope& scope, const std::string& key, const compose::Volume& volume);
// build.cpp
Result<> add_build_unit(const Scope& scope, const project::DesiredService& service);
// life.cpp: order, restarts, hooks, timeouts.
void add_life(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
// render.cpp: options as Quadlet keys, and as words of a command.
std::string word_of(const Option& option);
void add_keys(const std::vector<Option>& options, UnitText& text);
void add_words(const std::vector<Option>& options, std::vector<std::string>& words);
std::string container_text(const Scope& scope, const ContainerUnit& unit, const std::string& comment);
// What a unit creates, for `podman KIND exists`. It is kept if it exists, unless it must be created again.
struct Made {
  std::string_view kind;  // network, volume, image
  std::string name;
  bool anew = false;
};
// A unit that creates something once with a command. For Podman::services.
std::string once_text(const std::string& comment, const Made& made, const std::vector<std::string>& quoted);

}  // namespace consort::units
