#include "network/nft/foreign_firewall.hpp"

#include <cerrno>

namespace consort::foreign_firewall {

using nft::Batch;
using nft::Rule;
using nft::Socket;
using nft::Table;

namespace {

const std::string table_name = "filter";

const std::vector<Chain> chains{{NFPROTO_IPV4, "DOCKER-USER"},
                                {NFPROTO_IPV6, "DOCKER-USER"},
                                {NFPROTO_IPV4, "ufw-user-forward"},
                                {NFPROTO_IPV6, "ufw6-user-forward"}};

std::string comment_of(std::string_view bridge) {
  return "consort " + std::string(bridge);
}

Result<std::vector<nft::FoundRule>> our_rules(Socket& socket, const Chain& chain, std::string_view bridge) {
  std::vector<nft::FoundRule> rules = TRY(nft::list_rules(socket, chain.family, table_name, chain.name));
  std::erase_if(rules, [&](const nft::FoundRule& rule) { return rule.comment != comment_of(bridge); });
  return rules;
}

Result<> run(Socket& socket, Batch& batch) {
  const std::vector<netlink::Failure> failures = TRY(socket.run_nft(batch));
  // The chain or the rule disappeared meanwhile (that firewall was stopped): nothing is in our way any more.
  if (failures.empty() || failures.front().error == ENOENT) return {};
  return fail(Socket::error_of(batch, failures.front()));
}

}  // namespace

Result<> open_for(Socket& socket, std::string_view bridge) {
  const std::string name(bridge), comment = comment_of(bridge);
  for (const Chain& chain : chains) {
    if (!TRY(nft::chain_exists(socket, chain.family, table_name, chain.name))) continue;
    if (!TRY(our_rules(socket, chain, bridge)).empty()) continue;
    Batch batch;
    Table table(batch, chain.family, table_name);
    Rule(table, chain.name, nft::Place::first, comment).from_interface(name).counter().verdict(NF_ACCEPT);
    Rule(table, chain.name, nft::Place::first, comment).to_interface(name).counter().verdict(NF_ACCEPT);
    TRY_WRAP(run(socket, batch), "let bridge " + name + " pass the host's firewall (chain " + chain.name + ")");
  }
  return {};
}

Result<> close_for(Socket& socket, std::string_view bridge) {
  for (const Chain& chain : chains) {
    Batch batch;
    Table table(batch, chain.family, table_name);
    for (const nft::FoundRule& rule : TRY(our_rules(socket, chain, bridge))) table.remove_rule(chain.name, rule.handle);
    TRY(run(socket, batch));
  }
  return {};
}

const std::vector<Chain>& chains_for_others() {
  return chains;
}

}  // namespace consort::foreign_firewall
