// The parts of a container's unit; each file next to this makes some of them.
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

// One option of `podman run`, and the key that Quadlet has for it since 5.2; "": none, it goes into PodmanArgs.
struct Option {
  // How the key takes its value: as it is, quoted, "true".
  enum class Form : std::uint8_t { text, word, on };
  std::string_view key;
  std::string flag;  // "--cap-add"
  std::string value;
  Form form = Form::text;
  std::string_view folder = {};  // before the value, and read by systemd: "%Y/"
};

// A file next to the units, as they name it.
struct Beside {
  std::string_view folder;  // "%Y/", the directory in which the unit lies; "": `path` says it all
  std::string path;
};

struct Scope {
  const compose::Project& project;
  const project::DesiredProject& desired;
  Podman kind;
  std::set<std::string> built;           // names of images that the project makes
  std::set<std::string> awaited_end;     // services whose end others wait for
  std::set<std::string> awaited_health;  // services whose health others wait for
  Units& out;

  bool is_quadlet() const { return kind == Podman::quadlet; }
  // The name of a unit without its ending: "app-web".
  std::string unit(std::string_view of) const { return project.name + "-" + std::string(of); }
  // The service that Quadlet makes of PROJECT-KEY.volume and the like.
  std::string service_of(std::string_view key, std::string_view kind_of) const {
    return unit(key) + "-" + std::string(kind_of) + ".service";
  }
  void add(std::string path, std::string text) const { out.files.push_back({std::move(path), std::move(text)}); }
  Beside add_beside(const std::string& name, const std::string& content, std::uint32_t mode) const;
  // At an attribute of a service or job, by its path below it.
  void note(const project::DesiredService& service, const compose::Strings& path, std::string message,
            std::string help) const;
};

// A container's unit that is being made.
struct ContainerUnit {
  std::string container;        // the container's name
  std::vector<Option> options;  // of `podman run`
  std::string global;           // of podman itself
  std::string image;            // or PROJECT-SERVICE.build
  std::vector<std::string> command;
  std::vector<std::string> needs;                            // Requires= and After=
  std::vector<std::string> likes;                            // Wants= and After=
  std::vector<std::string> shares;                           // BindsTo= and After=: a namespace of theirs is ours
  std::vector<std::pair<std::string, std::string>> service;  // keys of [Service]
  std::vector<std::string> before;                           // commands before the container, quoted
  std::vector<std::string> after_start, before_stop;         // likewise, while it runs
  std::string start_limit;                                   // starts at most; "": without limit
  bool ends = false;                                         // started and waited for, rather than kept running
  bool stays = false;                                        // its end is what others wait for
  bool awaited = false;                                      // it counts as started when it is healthy
  bool installed = true;                                     // starts with the machine

  void text(std::string_view key, std::string flag, std::string value) {
    options.push_back({key, std::move(flag), std::move(value), Option::Form::text});
  }
  void word(std::string_view key, std::string flag, std::string value) {
    options.push_back({key, std::move(flag), std::move(value), Option::Form::word});
  }
  void on(std::string_view key, std::string flag) { options.push_back({key, std::move(flag), {}, Option::Form::on}); }
};

// The name of a service's first container, for whoever shares something of it.
std::string container_of(const Scope& scope, const std::string& service);
// What the file says of it: it is a service or a job.
const compose::Service& file_of(const Scope& scope, const project::DesiredService& service);
// As Podman must be told: with the registry that Docker would have added, "localhost" for what is built here.
Result<std::string> full_image(const Scope& scope, const std::string& name);

// process.cpp: the process, its user, its privileges; its limits.
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
// life.cpp: order, restarts, hooks, times.
void add_life(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit);
// render.cpp: options as keys of Quadlet's, and as words of a command.
std::string word_of(const Option& option);
void add_keys(const std::vector<Option>& options, UnitText& text);
void add_words(const std::vector<Option>& options, std::vector<std::string>& words);
std::string container_text(const Scope& scope, const ContainerUnit& unit, const std::string& comment);
// What a unit makes: of `podman KIND exists`. It is left as it is if it is there, unless it is to be made anew.
struct Made {
  std::string_view kind;  // network, volume, image
  std::string name;
  bool anew = false;
};
// A unit that makes something once, with a command. For Podman::services.
std::string once_text(const std::string& comment, const Made& made, const std::vector<std::string>& quoted);

}  // namespace consort::units
