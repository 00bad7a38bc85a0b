#include "network/nft/firewalld.hpp"

#include <dirent.h>
#include <linux/netfilter.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::firewalld {

using nft::Socket;

namespace {

constexpr const char* program = "firewall-cmd";
constexpr int not_running = 252;  // firewall-cmd's exit status in that case
constexpr std::string_view daemon_name = "firewalld";

// Recognized by its command line, because it is a script that some version of Python runs.
bool is_daemon(const std::string& pid) {
  const Result<std::string> line = read_file("/proc/" + pid + "/cmdline", 4096);
  if (!line) return false;
  const std::vector<std::string> words = split(*line, '\0');
  return std::ranges::any_of(words, [](const std::string& word) {
    return word == daemon_name || word.ends_with("/" + std::string(daemon_name));
  });
}

bool is_running() {
  DIR* processes = ::opendir("/proc");
  if (!processes) return true;  // then let firewall-cmd report it
  bool found = false;
  while (const dirent* entry = found ? nullptr : ::readdir(processes)) {
    const std::string name = entry->d_name;
    found = name.find_first_not_of("0123456789") == std::string::npos && is_daemon(name);
  }
  ::closedir(processes);
  return found;
}

enum class Known : bool { no, yes };

Result<std::vector<std::string>> among(Socket& socket, std::span<const std::string> bridges, Known wanted) {
  std::vector<std::string> found;
  if (bridges.empty()) return found;
  if (!TRY(nft::chain_exists(socket, NFPROTO_INET, std::string(table_name), "filter_FORWARD"))) return found;
  for (const std::string& bridge : bridges) {
    const bool known = TRY(nft::names_interface(socket, NFPROTO_INET, std::string(table_name), bridge));
    if (known == (wanted == Known::yes)) found.push_back(bridge);
  }
  return found;
}

Result<Captured> change(const HostPrograms& programs, const std::string& option, std::span<const std::string> bridges) {
  std::vector<std::string> argv{program, "--zone=trusted"};
  for (const std::string& bridge : bridges) argv.push_back(option + bridge);
  return programs.run(std::move(argv));
}

// nullopt: done, or nothing can be done about it.
std::optional<std::string> why_not(const Result<Captured>& ran) {
  if (!ran && ran.error().code() == Code::unsupported) return std::nullopt;  // no firewall-cmd
  if (!ran) return ran.error().message();
  if (ran->status.success() || ran->status.code == not_running) return std::nullopt;
  return std::string(trim(ran->err));
}

}  // namespace

bool answers(const HostPrograms& programs) {
  if (!is_running()) return false;
  const Result<Captured> said = programs.run({program, "--state"});
  return said && said->status.success();
}

Result<std::vector<std::string>> unknown_among(Socket& socket, std::span<const std::string> bridges) {
  return among(socket, bridges, Known::no);
}

Result<std::vector<std::string>> known_among(Socket& socket, std::span<const std::string> bridges) {
  return among(socket, bridges, Known::yes);
}

Result<Failures> open_for(Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges) {
  Failures failures;
  const std::vector<std::string> unknown = TRY(unknown_among(socket, bridges));
  if (unknown.empty() || !is_running()) return failures;
  const Result<Captured> ran = change(programs, "--add-interface=", unknown);
  if (!ran) {
    if (const auto why = why_not(ran))
      for (const std::string& bridge : unknown) failures[bridge] = *why;
    return failures;
  }
  if (unknown.size() == 1 && !why_not(ran)) return failures;
  // For several bridges it reports only that some were refused. And a refusal counts only if the bridge is not in a
  // zone afterwards: firewalld may just have been about to load the rules.
  for (const std::string& bridge : TRY(unknown_among(socket, unknown))) {
    const Result<Captured> again =
        unknown.size() == 1 ? Result<Captured>(*ran) : change(programs, "--add-interface=", {&bridge, 1});
    if (const auto why = why_not(again)) failures[bridge] = *why;
  }
  return failures;
}

Result<> close_for(Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges) {
  const std::vector<std::string> known = TRY(known_among(socket, bridges));
  if (known.empty() || !is_running()) return {};
  // Refused if it is in another zone. If firewalld does not answer, it keeps the name of an interface that is gone,
  // which is harmless.
  (void)change(programs, "--remove-interface=", known);
  return {};
}

}  // namespace consort::firewalld
