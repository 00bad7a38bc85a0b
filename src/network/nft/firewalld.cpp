#include "network/nft/firewalld.hpp"

#include <linux/netfilter.h>

#include <string>
#include <vector>

#include "base/os/processes/process.hpp"
#include "base/strings.hpp"

namespace consort::firewalld {

using nft::Socket;

namespace {

constexpr const char* program = "firewall-cmd";
constexpr int not_running = 252;  // its exit status then

// Has it rules at all, and does one of them name the bridge?
Result<bool> has_rules(Socket& socket) {
  return nft::chain_exists(socket, NFPROTO_INET, std::string(table_name), "filter_FORWARD");
}

Result<bool> knows(Socket& socket, std::string_view bridge) {
  return nft::names_interface(socket, NFPROTO_INET, std::string(table_name), bridge);
}

Result<Captured> ask(const std::vector<std::string>& words) {
  std::vector<std::string> argv{program};
  argv.insert(argv.end(), words.begin(), words.end());
  return run_and_capture({.argv = std::move(argv)});
}

std::string word(const char* option, std::string_view bridge) {
  return std::string(option) + std::string(bridge);
}

}  // namespace

bool answers() {
  const Result<Captured> said = ask({"--state"});
  return said && said->status.success();
}

Result<> open_for(Socket& socket, std::string_view bridge) {
  if (!TRY(has_rules(socket)) || TRY(knows(socket, bridge))) return {};
  const Result<Captured> asked = ask({"--zone=trusted", word("--add-interface=", bridge)});
  if (!asked || asked->status.success() || asked->status.code == not_running) return {};
  if (TRY(knows(socket, bridge))) return {};  // it was being loaded anew
  return fail(Error(Code::io, "let bridge " + std::string(bridge) + " pass firewalld")
                  .why(std::string(trim(asked->err)))
                  .hint("consort doctor says what to type"));
}

Result<> close_for(Socket& socket, std::string_view bridge) {
  if (!TRY(has_rules(socket)) || !TRY(knows(socket, bridge))) return {};
  // Refused if it is in another zone.
  (void)ask({"--zone=trusted", word("--remove-interface=", bridge)});
  return {};
}

}  // namespace consort::firewalld
