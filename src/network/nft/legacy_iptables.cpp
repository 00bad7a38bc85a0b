#include "network/nft/legacy_iptables.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::legacy_iptables {

namespace {

struct Chain {
  std::string tables;  // file with the kernel's list of tables in use
  std::string program;
  std::string name;
};
const std::vector<Chain> chains{
    {"/proc/thread-self/net/ip_tables_names", "iptables-legacy", "DOCKER-USER"},
    {"/proc/thread-self/net/ip_tables_names", "iptables-legacy", "ufw-user-forward"},
    {"/proc/thread-self/net/ip6_tables_names", "ip6tables-legacy", "DOCKER-USER"},
    {"/proc/thread-self/net/ip6_tables_names", "ip6tables-legacy", "ufw6-user-forward"},
};

bool in_use(const Chain& chain) {
  const Result<std::string> tables = read_file(chain.tables, 4096);
  if (!tables) return false;
  for (const std::string& table : split(*tables, '\n')) {
    if (table == "filter") return true;
  }
  return false;
}

std::string comment_of(std::string_view bridge) {
  return "consort " + std::string(bridge);
}

Result<Captured> run(const HostPrograms& programs, const Chain& chain, std::vector<std::string> arguments) {
  // -w: wait for another process that is changing rules instead of failing.
  std::vector<std::string> argv{chain.program, "-w", "5"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return programs.run(std::move(argv));
}

// The rules of the chain; nullopt: the chain does not exist, or the program that created its rules is missing.
std::optional<std::string> list(const HostPrograms& programs, const Chain& chain) {
  if (!in_use(chain)) return std::nullopt;
  Result<Captured> listed = run(programs, chain, {"-S", chain.name});
  if (!listed || !listed->status.success()) return std::nullopt;
  return std::move(listed->out);
}

Result<> change(const HostPrograms& programs, const Chain& chain, const char* how, const char* direction,
                std::string_view bridge) {
  const Captured done = TRY(run(programs, chain,
                                {how, chain.name, direction, std::string(bridge), "-m", "comment", "--comment",
                                 comment_of(bridge), "-j", "ACCEPT"}));
  if (done.status.success()) return {};
  return fail(Error(Code::io, "change the host's firewall").on("chain " + chain.name).why(std::string(trim(done.err))));
}

}  // namespace

bool is_in_use() {
  return std::ranges::any_of(chains, in_use);
}

Result<> open_for(const HostPrograms& programs, std::string_view bridge) {
  for (const Chain& chain : chains) {
    const std::optional<std::string> rules = list(programs, chain);
    if (!rules || rules->find('"' + comment_of(bridge) + '"') != std::string::npos) continue;
    TRY(change(programs, chain, "-I", "-i", bridge));
    TRY(change(programs, chain, "-I", "-o", bridge));
  }
  return {};
}

Result<> close_for(const HostPrograms& programs, std::string_view bridge) {
  for (const Chain& chain : chains) {
    const std::optional<std::string> rules = list(programs, chain);
    if (!rules || rules->find('"' + comment_of(bridge) + '"') == std::string::npos) continue;
    TRY(change(programs, chain, "-D", "-i", bridge));
    TRY(change(programs, chain, "-D", "-o", bridge));
  }
  return {};
}

}  // namespace consort::legacy_iptables
