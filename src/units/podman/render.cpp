// Renders units as text.
#include "units/podman/parts.hpp"

namespace consort::units {

namespace {

void add_order(const ContainerUnit& unit, UnitText& text) {
  const auto each = [&](const char* key, const std::vector<std::string>& names) {
    for (const std::string& name : names) text.set(key, name);
  };
  each("Requires", unit.needs);
  each("BindsTo", unit.shares);
  each("Wants", unit.likes);
  for (const auto* names : {&unit.needs, &unit.shares, &unit.likes}) each("After", *names);
}

void add_service(const ContainerUnit& unit, UnitText& text) {
  for (const auto& [key, value] : unit.service) text.set(key, value);
  for (const std::string& command : unit.before) text.set("ExecStartPre", command);
}

void add_hooks(const ContainerUnit& unit, UnitText& text) {
  for (const std::string& command : unit.after_start) text.set("ExecStartPost", command);
  for (const std::string& command : unit.before_stop) text.set("ExecStop", command);
}

std::string quadlet_text(const ContainerUnit& unit, UnitText text) {
  text.section("Container");
  text.set("ContainerName", command_value(unit.container));
  text.set("Image", command_value(unit.image));
  add_keys(unit.options, text);
  if (unit.awaited) text.set("Notify", "healthy");
  if (!unit.global.empty()) text.set("GlobalArgs", command_word(unit.global));
  std::vector<std::string> words;
  for (const std::string& word : unit.command) words.push_back(command_word(word));
  if (!words.empty()) text.set("Exec", command_lines(words));
  text.section("Service");
  add_service(unit, text);
  add_hooks(unit, text);
  return text.text();
}

// The same text that Podman's own generator would have written.
std::string service_text(const ContainerUnit& unit, UnitText text) {
  const std::string name = command_word(unit.container);
  text.section("Service");
  text.set("Environment", "PODMAN_SYSTEMD_UNIT=%n");
  text.set("Delegate", "yes");
  text.set("KillMode", "mixed");
  if (!unit.ends) {
    text.set("Type", "notify");
    text.set("NotifyAccess", "all");
  }
  add_service(unit, text);
  std::vector<std::string> words{"/usr/bin/podman"};
  if (!unit.global.empty()) words.push_back(command_word(unit.global));
  words.insert(words.end(), {"run", command_word("--name=" + unit.container), "--replace", "--rm", "--cgroups=split"});
  if (!unit.ends) words.insert(words.end(), {"--sdnotify=conmon", "--detach"});
  add_words(unit.options, words);
  words.push_back(command_word(unit.image));
  for (const std::string& word : unit.command) words.push_back(command_word(word));
  text.set("ExecStart", command_lines(words));
  // Once a second, until TimeoutStartSec.
  if (unit.awaited)
    text.set("ExecStartPost", "/bin/sh -c 'until podman healthcheck run \"$$0\"; do sleep 1; done' " + name);
  add_hooks(unit, text);
  text.set("ExecStop", "/usr/bin/podman rm --volumes --force --ignore " + name);
  text.set("ExecStopPost", "-/usr/bin/podman rm --volumes --force --ignore " + name);
  return text.text();
}

}  // namespace

// "--flag=value"
std::string word_of(const Option& option) {
  if (option.form == Option::Form::on) return command_word(option.flag);
  std::string word = command_word(option.flag + "=" + option.value);
  return word.insert(word.find('=') + 1, option.directory);
}

void add_keys(const std::vector<Option>& options, UnitText& text) {
  for (const Option& option : options) {
    const bool written = option.form != Option::Form::text || is_plain(option.value);
    if (option.key.empty() || !written) {
      text.set("PodmanArgs", word_of(option));
    } else if (option.form == Option::Form::on) {
      text.set(option.key, "true");
    } else {
      const bool is_word = option.form == Option::Form::word;
      text.set(option.key,
               std::string(option.directory) + (is_word ? command_word(option.value) : command_value(option.value)));
    }
  }
}

void add_words(const std::vector<Option>& options, std::vector<std::string>& words) {
  for (const Option& option : options) words.push_back(word_of(option));
}

std::string container_text(const Scope& scope, const ContainerUnit& unit, const std::string& comment) {
  UnitText text(comment);
  text.section("Unit");
  text.set("Description", text_value(unit.container));
  text.set("Wants", "network-online.target");
  text.set("After", "network-online.target");
  if (!unit.ends || !unit.start_limit.empty())
    text.set("StartLimitIntervalSec", unit.start_limit.empty() ? "0" : "infinity");
  if (!unit.start_limit.empty()) text.set("StartLimitBurst", unit.start_limit);
  add_order(unit, text);
  std::string made = scope.is_quadlet() ? quadlet_text(unit, std::move(text)) : service_text(unit, std::move(text));
  if (unit.installed) made += "\n[Install]\nWantedBy=default.target\n";
  return made;
}

std::string once_text(const std::string& comment, const Made& made, const std::vector<std::string>& quoted) {
  UnitText text(comment);
  text.section("Unit");
  text.set("Wants", "network-online.target");
  text.set("After", "network-online.target");
  text.section("Service");
  text.set("Type", "oneshot");
  text.set("RemainAfterExit", "yes");
  text.set("TimeoutStartSec", "infinity");
  // The name is the shell's $0, so it is never parsed as part of the script.
  const std::string unless = "/bin/sh -c 'podman " + std::string(made.kind) + " exists \"$$0\" || exec \"$$@\"' " +
                             command_word(made.name) + " ";
  text.set("ExecStart", (made.anew ? "" : unless) + command_lines(quoted));
  return text.text();
}

}  // namespace consort::units
