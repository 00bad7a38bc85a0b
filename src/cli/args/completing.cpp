#include "cli/args/completing.hpp"

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "cli/args/command.hpp"

namespace consort::cli {

namespace {

// What the values of flags are, by name; the first that fits counts, "" is any command.
struct Values {
  std::string_view command;
  std::string_view flag;
  Wanted wanted;
  std::string_view words = {};  // separated by spaces
};

constexpr Values known_values[] = {
    {"", "ansi", Wanted::words, "auto never always"},
    {"", "attach", Wanted::services},
    {"", "env-file", Wanted::files},
    {"", "env-from-file", Wanted::files},
    {"", "exit-code-from", Wanted::services},
    {"", "file", Wanted::files},
    {"ps", "filter", Wanted::words, "status= source="},
    {"ls", "filter", Wanted::words, "name="},
    {"config", "format", Wanted::words, "yaml json sarif"},
    {"image save", "format", Wanted::words, "docker oci"},
    {"version", "format", Wanted::words, "pretty json"},
    {"", "format", Wanted::words, "table json"},
    {"config", "hash", Wanted::services},
    {"", "input", Wanted::files},
    {"", "no-attach", Wanted::services},
    {"", "output", Wanted::files},
    {"", "platform", Wanted::words, "linux/amd64 linux/arm64"},
    {"", "policy", Wanted::words, "missing always"},
    {"", "profile", Wanted::profiles},
    {"", "progress", Wanted::words, "auto tty plain json quiet"},
    {"", "project-directory", Wanted::directories},
    {"", "project-name", Wanted::projects},
    {"", "protocol", Wanted::words, "tcp udp"},
    {"create", "pull", Wanted::words, "always missing never build"},
    {"", "pull", Wanted::words, "always missing never"},
    {"", "rmi", Wanted::words, "local all"},
    {"", "scale", Wanted::service_counts},
    {"", "signal", Wanted::words, "SIGKILL SIGTERM SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGWINCH"},
    {"", "ssh", Wanted::words, "default"},
    {"", "status", Wanted::words, "running exited paused restarting created removing dead"},
    {"", "tail", Wanted::words, "all 10 100 1000"},
    {"", "volume", Wanted::files},
};

const Values* values_of(std::string_view command, std::string_view flag) {
  const auto fits = [&](const Values& each) {
    return each.flag == flag && (each.command.empty() || each.command == command);
  };
  const auto found = std::ranges::find_if(known_values, fits);
  return found == std::end(known_values) ? nullptr : &*found;
}

// What the commands below a word are for.
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

// The words, the command among them, read from left to right.
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

  // "--file" takes the next word, "--file=x" and "-fx" don't.
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
    } else if (!command_) {
      take_command(word);
    } else {
      ++arguments_;
      if (command_->place == FlagPlace::before_arguments) only_arguments_ = true;
    }
  }

  void take_command(const std::string& word) {
    if (group_.empty() && (word == "compose" || word == "help")) return;
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
    // "--detach=" of a switch.
    const std::string_view words = flag.kind == FlagKind::boolean ? "true false" : values ? values->words : "";
    if (values && values->wanted != Wanted::words) result_.wanted = values->wanted;
    if (words.empty()) return;
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

  void complete_command(const std::string& typed) {
    const std::string group = group_.empty() ? "" : group_ + " ";
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
    const bool repeats = arguments.contains("...");
    const bool first = arguments_ == 0;
    if (command_->name == "cp") {
      result_.wanted = Wanted::service_paths;
    } else if (arguments.starts_with("[SERVICE=")) {
      result_.wanted = Wanted::service_counts;
    } else if (arguments.contains("SERVICE") && (first || (repeats && command_->place == FlagPlace::anywhere))) {
      result_.wanted = Wanted::services;
    } else if (arguments.contains("IMAGE") || command_->name == "image push") {
      if (first || repeats) result_.wanted = Wanted::images;
    } else if (arguments.starts_with("VOLUME") && (first || repeats)) {
      result_.wanted = Wanted::volumes;
    } else if (arguments.starts_with("NETWORK") && (first || repeats) && command_->name != "network create") {
      result_.wanted = Wanted::networks;
    } else if (command_->name == "image pull") {
      result_.wanted = Wanted::images;
    } else if (arguments.contains("FILE")) {
      result_.wanted = Wanted::files;
    } else if (arguments == "SHELL") {
      for (const char* shell : {"bash", "fish", "zsh"}) offer(shell, "", typed);
    }
  }

  std::span<const std::string> words_;
  std::vector<const Flag*> flags_;
  const Command* command_ = nullptr;
  std::string group_;             // "image", once it was typed
  const Flag* awaits_ = nullptr;  // whose value the next word is
  std::size_t arguments_ = 0;
  bool only_arguments_ = false;
  Completing result_;
};

}  // namespace

Completing completing(std::span<const std::string> words) {
  return Reader(words).read();
}

}  // namespace consort::cli
