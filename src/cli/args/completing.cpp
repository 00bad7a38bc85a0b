#include "cli/args/completing.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/strings.hpp"
#include "cli/args/command.hpp"

namespace consort::cli {

namespace {

// The values of flags, by flag name. The first match counts; the command "" matches every command.
struct Values {
  std::string_view command;
  std::string_view flag;
  Wanted wanted;
  std::string_view words = {};  // separated by spaces
};

constexpr std::string_view signals = "SIGKILL SIGTERM SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGWINCH";
constexpr std::string_view capabilities =
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH "
    "FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN "
    "NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT "
    "SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM";

constexpr Values known_values[] = {
    {"", "ansi", Wanted::words, "auto never always"},
    {"", "attach", Wanted::services},
    {"", "bundle", Wanted::directories},
    {"", "cap-add", Wanted::words, capabilities},
    {"", "cap-drop", Wanted::words, capabilities},
    {"", "cgroupns", Wanted::words, "host private"},
    {"", "cidfile", Wanted::files},
    {"", "device", Wanted::files},
    {"network create", "driver", Wanted::words, "bridge macvlan ipvlan"},
    {"volume create", "driver", Wanted::words, "local"},
    {"", "env-file", Wanted::files},
    {"", "env-from-file", Wanted::files},
    {"", "exit-code-from", Wanted::services},
    {"", "file", Wanted::files},
    {"image ls", "filter", Wanted::words, "dangling=true dangling=false label= reference= before= since="},
    {"ls", "filter", Wanted::words, "name="},
    {"network ls", "filter", Wanted::words, "dangling=true dangling=false driver= id= label= name="},
    {"network prune", "filter", Wanted::words, "label="},
    {"ps", "filter", Wanted::words, "status= source="},
    {"volume ls", "filter", Wanted::words, "dangling=true dangling=false driver= label= name="},
    {"volume prune", "filter", Wanted::words, "label="},
    {"alpha generate", "format", Wanted::words, "yaml json"},
    {"config", "format", Wanted::words, "yaml json sarif"},
    {"doctor", "format", Wanted::words, "text json"},
    {"export kubernetes", "format", Wanted::words, "manifests kustomize helm"},
    {"image save", "format", Wanted::words, "docker oci"},
    {"version", "format", Wanted::words, "pretty json"},
    {"", "format", Wanted::words, "table json"},
    {"", "from", Wanted::images},
    {"", "graph", Wanted::words, "text mermaid dot"},
    {"config", "hash", Wanted::services},
    {"", "input", Wanted::files},
    {"", "ipc", Wanted::words, "private shareable host container:"},
    {"", "label-file", Wanted::files},
    {"", "link", Wanted::containers},
    {"", "log-driver", Wanted::words, "json-file local syslog journald gelf fluentd none"},
    {"", "network", Wanted::networks},
    {"", "no-attach", Wanted::services},
    {"", "oci-version", Wanted::words, "1.1 1.0"},
    {"", "on", Wanted::words, "kubernetes here"},
    {"bridge convert", "output", Wanted::directories},
    {"export quadlet", "output", Wanted::directories},
    {"export systemd", "output", Wanted::directories},
    {"", "output", Wanted::files},
    {"", "pid", Wanted::words, "host container:"},
    {"", "pid-file", Wanted::files},
    {"", "platform", Wanted::words, "linux/amd64 linux/arm64"},
    {"", "policy", Wanted::words, "missing always"},
    {"", "process", Wanted::files},
    {"", "profile", Wanted::profiles},
    {"", "program", Wanted::files},
    {"", "progress", Wanted::words, "auto tty plain json quiet"},
    {"", "project-dir", Wanted::directories},
    {"", "project-directory", Wanted::directories},
    {"", "project-name", Wanted::projects},
    {"", "protocol", Wanted::words, "tcp udp"},
    {"create", "pull", Wanted::words, "always missing never build"},
    {"", "pull", Wanted::words, "always missing never"},
    {"", "resources", Wanted::files},
    {"", "restart", Wanted::words, "no on-failure always unless-stopped"},
    {"", "rmi", Wanted::words, "local all"},
    {"job rm", "runs", Wanted::words, "keep remove remove-finished"},
    {"", "scale", Wanted::service_counts},
    {"", "signal", Wanted::words, signals},
    {"", "ssh", Wanted::words, "default"},
    {"", "status", Wanted::words, "running exited paused restarting created removing dead"},
    {"", "stop-signal", Wanted::words, signals},
    {"", "tail", Wanted::words, "all 10 100 1000"},
    {"", "templates", Wanted::directories},
    {"", "tlscacert", Wanted::files},
    {"", "tlscert", Wanted::files},
    {"", "tlskey", Wanted::files},
    {"", "transformation", Wanted::images},
    {"", "type", Wanted::words, "container image network volume"},
    {"", "userns", Wanted::words, "host"},
    {"", "uts", Wanted::words, "host"},
    {"", "volume", Wanted::files},
    {"", "volumes-from", Wanted::containers},
};

const Values* values_of(std::string_view command, std::string_view flag) {
  const auto fits = [&](const Values& each) {
    return each.flag == flag && (each.command.empty() || each.command == command);
  };
  const auto found = std::ranges::find_if(known_values, fits);
  return found == std::end(known_values) ? nullptr : &*found;
}

// What the commands in a group are for.
std::string_view says_of_group(std::string_view word) {
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"alpha", "Experimental commands"},
      {"bridge", "Convert the Compose file into another format"},
      {"builder", "Manage the build cache"},
      {"container", "Manage containers"},
      {"image", "Manage images"},
      {"job", "Manage jobs"},
      {"network", "Manage networks"},
      {"runtime", "Run OCI bundles"},
      {"system", "Manage this machine"},
      {"transformations", "Manage transformation images"},
      {"volume", "Manage volumes"},
  };
  const auto found = std::ranges::find(known, word, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(known) ? "" : found->second;
}

// Reads the words, including the command, from left to right.
class Reader {
 public:
  explicit Reader(std::span<const std::string> words) : words_(words) {}

  Completing read() {
    for (const Flag& flag : global_flags()) flags_.push_back(&flag);
    for (const Flag& flag : common_flags()) flags_.push_back(&flag);
    for (std::size_t i = 0; i + 1 < words_.size(); ++i) take(words_[i]);
    complete(words_.empty() ? std::string() : words_.back());
    return std::move(result_);
  }

 private:
  const Flag* find(std::string_view word) const {
    const auto is_it = [&](const Flag* flag) {
      if (word.starts_with("--")) return flag->name == word.substr(2, word.find('=') - 2);
      return flag->shorthand != 0 && word.size() >= 2 && word[0] == '-' && word[1] == flag->shorthand;
    };
    const auto found = std::ranges::find_if(flags_, is_it);
    return found == flags_.end() ? nullptr : *found;
  }

  void give(const Flag& flag, std::string value) {
    if (!command_) result_.globals.set(flag.name, std::move(value));
  }

  // "--file" takes the next word; "--file=x" and "-fx" do not.
  void take_flag(const std::string& word) {
    const Flag* flag = find(word);
    if (!flag) return;
    const bool is_long = word.starts_with("--");
    const std::size_t equals = word.find('=');
    if (is_long && equals != std::string::npos) return give(*flag, word.substr(equals + 1));
    if (!is_long && word.size() > 2 && flag->kind != FlagKind::boolean) return give(*flag, word.substr(2));
    if (flag->kind == FlagKind::boolean) return give(*flag, "true");
    if (flag->bare.empty()) awaits_ = flag;
  }

  void take(const std::string& word) {
    if (awaits_) {
      give(*awaits_, word);
      awaits_ = nullptr;
      return;
    }
    if (only_arguments_) {
      ++arguments_;
    } else if (word == "--") {
      only_arguments_ = true;
    } else if (word.size() > 1 && word.starts_with('-')) {
      take_flag(word);
    } else if (!command_ || is_below(word)) {
      take_command(word);
    } else {
      ++arguments_;
      if (command_->place == FlagPlace::before_arguments) only_arguments_ = true;
    }
  }

  // `export` is a command, and so is `export kubernetes`.
  bool is_below(const std::string& word) const {
    return arguments_ == 0 && find_command(std::string(command_->name) + " " + word);
  }

  void take_command(const std::string& word) {
    if (group_.empty() && (word == "compose" || word == "help")) return;
    if (command_) group_ = command_->name;
    const Command* found = find_command(group_.empty() ? word : group_ + " " + word);
    if (!found) {
      group_ += (group_.empty() ? "" : " ") + word;
      return;
    }
    command_ = found;
    flags_.clear();
    for (const Flag& flag : command_->flags) flags_.push_back(&flag);
    for (const Flag& flag : common_flags()) flags_.push_back(&flag);
  }

  void complete(const std::string& word) {
    if (awaits_) return complete_value(*awaits_, "", word);
    if (!only_arguments_ && word.starts_with("--") && word.contains('=')) {
      const std::size_t value = word.find('=') + 1;
      if (const Flag* flag = find(word)) complete_value(*flag, word.substr(0, value), word.substr(value));
    } else if (!only_arguments_ && word.starts_with('-')) {
      complete_flag(word);
    } else if (!command_) {
      complete_command(word);
    } else {
      complete_argument(word);
    }
  }

  void offer(std::string word, std::string_view says, std::string_view typed) {
    if (!word.starts_with(typed)) return;
    result_.wanted = Wanted::words;
    result_.candidates.push_back({std::move(word), std::string(says)});
  }

  void complete_value(const Flag& flag, const std::string& before, const std::string& typed) {
    result_.before = before;
    result_.partial = typed;
    const Values* values = values_of(command_ ? command_->name : "", flag.name);
    // "--detach=" of a boolean flag.
    const std::string_view words = flag.kind == FlagKind::boolean ? "true false" : values ? values->words : "";
    if (values && values->wanted != Wanted::words) result_.wanted = values->wanted;
    if (words.empty()) return;
    constexpr std::string_view container = "container:";
    if (typed.starts_with(container) && words.contains(container)) {
      result_.wanted = Wanted::containers;
      result_.before += container;
      result_.partial.erase(0, container.size());
      return;
    }
    for (const std::string& each : split(words, ' ')) offer(before + each, "", before + typed);
  }

  void complete_flag(const std::string& typed) {
    for (const Flag* flag : flags_)
      if (!flag->hidden || flag->name == "help")
        offer("--" + std::string(flag->name), flag->name == "help" ? "Show help" : flag->help, typed);
    if (typed == "-")
      for (const Flag* flag : flags_)
        if (flag->shorthand && !flag->hidden) offer(std::string("-") + flag->shorthand, flag->help, typed);
  }

  void complete_command(const std::string& typed) { offer_below(group_, typed); }

  void offer_below(std::string_view above, const std::string& typed) {
    const std::string group = above.empty() ? "" : std::string(above) + " ";
    std::string_view before;
    for (const Command& command : commands()) {
      if (command.shown != Shown::yes || !command.name.starts_with(group)) continue;
      const std::string_view rest = command.name.substr(group.size());
      const std::string_view word = rest.substr(0, rest.find(' '));
      if (word == before) continue;
      before = word;
      offer(std::string(word), word == rest ? command.summary : says_of_group(word), typed);
    }
  }

  void complete_argument(const std::string& typed) {
    result_.partial = typed;
    const std::string_view arguments = command_->arguments;
    if (arguments == "SHELL") return offer_each("bash fish zsh", typed);
    if (!arguments.empty() && std::islower(static_cast<unsigned char>(arguments[0]))) {  // "enable|disable|status"
      std::string choices(arguments);
      std::ranges::replace(choices, '|', ' ');
      return offer_each(choices, typed);
    }
    if (arguments_ == 0) offer_below(command_->name, typed);
    if (const Wanted names = argument_names(); names != Wanted::nothing) result_.wanted = names;
  }

  void offer_each(std::string_view words, const std::string& typed) {
    if (arguments_ > 0) return;
    for (const std::string& each : split(words, ' ')) offer(each, "", typed);
  }

  // Decides by the name that the usage line gives the argument at the cursor.
  Wanted argument_names() const {
    const std::string_view arguments = command_->arguments;
    const std::string_view name = command_->name;
    const bool first = arguments_ == 0;
    // What follows SERVICE or IMAGE is the container's own command.
    const bool again = first || (arguments.contains("...") && command_->place == FlagPlace::anywhere);
    if (arguments.starts_with("SERVICE:")) return Wanted::service_paths;
    if (name == "run" && first) return Wanted::services_to_run;
    if (arguments.starts_with("[SERVICE=")) return Wanted::service_counts;
    if (arguments.contains("SERVICE") && again)
      return command_->takes == Takes::services_or_containers ? Wanted::services_or_containers : Wanted::services;
    if (arguments.contains("IMAGE") || name == "image push" || name == "image pull")
      return again ? Wanted::images : Wanted::nothing;
    if (arguments == "NETWORK CONTAINER") return first ? Wanted::networks : Wanted::containers;
    if (arguments.starts_with("CONTAINER")) return again ? Wanted::containers : Wanted::nothing;
    if (arguments.starts_with("NAME")) return Wanted::objects;
    if (arguments.starts_with("JOB")) return again ? Wanted::jobs : Wanted::nothing;
    if (arguments.starts_with("VOLUME") && again) return Wanted::volumes;
    if (arguments.starts_with("NETWORK") && again && name != "network create")
      return name == "network rm" ? Wanted::own_networks : Wanted::networks;
    if (arguments == "PATH") return Wanted::directories;
    return arguments.contains("FILE") ? Wanted::files : Wanted::nothing;
  }

  std::span<const std::string> words_;
  std::vector<const Flag*> flags_;
  const Command* command_ = nullptr;
  std::string group_;             // "image", once it has been typed
  const Flag* awaits_ = nullptr;  // the flag whose value the next word is
  std::size_t arguments_ = 0;
  bool only_arguments_ = false;
  Completing result_;
};

}  // namespace

std::vector<std::string_view> commands_with_own_values() {
  std::vector<std::string_view> names;
  for (const Values& values : known_values)
    if (!values.command.empty()) names.push_back(values.command);
  return names;
}

Completing completing(std::span<const std::string> words) {
  return Reader(words).read();
}

}  // namespace consort::cli
