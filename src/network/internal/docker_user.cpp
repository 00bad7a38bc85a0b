#include "network/internal/docker_user.hpp"

#include <cerrno>

namespace consort::docker_user {

using nft::Batch;
using nft::Rule;
using nft::Socket;
using nft::Table;

namespace {

const std::string table_name = "filter";
const std::string chain_name = "DOCKER-USER";
constexpr std::uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};

std::string comment_of(std::string_view bridge) {
  return "consort " + std::string(bridge);
}

Result<std::vector<nft::FoundRule>> our_rules(Socket& socket, std::uint8_t family, std::string_view bridge) {
  std::vector<nft::FoundRule> rules = TRY(nft::list_rules(socket, family, table_name, chain_name));
  std::erase_if(rules, [&](const nft::FoundRule& rule) { return rule.comment != comment_of(bridge); });
  return rules;
}

Result<> run(Socket& socket, Batch& batch) {
  const std::vector<netlink::Failure> failures = TRY(socket.run_nft(batch));
  // The chain or the rule went away in between (the engine was stopped): nothing is in our way then.
  if (failures.empty() || failures.front().error == ENOENT) return {};
  return fail(Socket::error_of(batch, failures.front()));
}

}  // namespace

Result<> open_for(Socket& socket, std::string_view bridge) {
  const std::string name(bridge);
  for (const std::uint8_t family : families) {
    if (!TRY(nft::chain_exists(socket, family, table_name, chain_name))) continue;
    if (!TRY(our_rules(socket, family, bridge)).empty()) continue;
    Batch batch;
    Table table(batch, family, table_name);
    {
      Rule from(table, chain_name, nft::Place::first, comment_of(bridge));
      from.from_interface(name).counter().verdict(NF_ACCEPT);
    }
    {
      Rule to(table, chain_name, nft::Place::first, comment_of(bridge));
      to.to_interface(name).counter().verdict(NF_ACCEPT);
    }
    TRY_WRAP(run(socket, batch), "let bridge " + name + " pass the Docker Engine's firewall (chain DOCKER-USER)");
  }
  return {};
}

Result<> close_for(Socket& socket, std::string_view bridge) {
  for (const std::uint8_t family : families) {
    Batch batch;
    Table table(batch, family, table_name);
    for (const nft::FoundRule& rule : TRY(our_rules(socket, family, bridge)))
      table.remove_rule(chain_name, rule.handle);
    TRY(run(socket, batch));
  }
  return {};
}

}  // namespace consort::docker_user
