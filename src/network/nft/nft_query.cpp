#include <endian.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "network/nft/nft.hpp"

namespace consort::nft {

using netlink::Attribute;
using netlink::for_each_attribute;
using netlink::Received;

namespace {

Batch query(std::uint8_t family, unsigned type, std::uint16_t flags, std::string label) {
  Batch batch;
  batch.begin(static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type),
              static_cast<std::uint16_t>(NLM_F_REQUEST | flags), std::move(label));
  batch.append(nfgenmsg{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0});
  return batch;
}

// Returns false if the table, chain or set does not exist.
Result<bool> ask(Socket& socket, Batch& batch, const std::function<void(const Received&)>& visit) {
  Result<> done = socket.dump(batch, visit);
  if (done) return true;
  if (done.error().sys_errno() == ENOENT) return false;
  return fail(std::move(done).error());
}

Bytes data_value(const Attribute& data) {
  Bytes value;
  for_each_attribute(data.bytes, [&](const Attribute& inner) {
    if (inner.type == NFTA_DATA_VALUE) value.assign(inner.bytes.begin(), inner.bytes.end());
  });
  return value;
}

}  // namespace

Result<bool> chain_exists(Socket& socket, std::uint8_t family, const std::string& table, const std::string& chain) {
  Batch batch = query(family, NFT_MSG_GETCHAIN, 0, "look up firewall chain " + chain);
  batch.put_string(NFTA_CHAIN_TABLE, table);
  batch.put_string(NFTA_CHAIN_NAME, chain);
  return ask(socket, batch, [](const Received&) {});
}

Result<std::vector<ForwardChain>> list_forward_chains(Socket& socket) {
  Batch batch = query(AF_UNSPEC, NFT_MSG_GETCHAIN, NLM_F_DUMP, "list firewall chains");
  std::vector<ForwardChain> chains;
  const auto visit = [&](const Received& message) {
    ForwardChain chain;
    chain.family = message.payload.empty() ? std::uint8_t{0} : message.payload.front();
    bool forwards = false;
    for_each_attribute(message.attributes(sizeof(nfgenmsg)), [&](const Attribute& attribute) {
      if (attribute.type == NFTA_CHAIN_TABLE) chain.table = attribute.text();
      if (attribute.type == NFTA_CHAIN_NAME) chain.name = attribute.text();
      if (attribute.type == NFTA_CHAIN_POLICY) chain.drops = ntohl(attribute.u32()) == NF_DROP;
      if (attribute.type != NFTA_CHAIN_HOOK) return;
      for_each_attribute(attribute.bytes, [&](const Attribute& hook) {
        if (hook.type == NFTA_HOOK_HOOKNUM) forwards = ntohl(hook.u32()) == NF_INET_FORWARD;
      });
    });
    const bool of_packets =
        chain.family == NFPROTO_IPV4 || chain.family == NFPROTO_IPV6 || chain.family == NFPROTO_INET;
    if (forwards && of_packets) chains.push_back(std::move(chain));
  };
  (void)TRY(ask(socket, batch, visit));
  return chains;
}

Result<bool> names_interface(Socket& socket, std::uint8_t family, const std::string& table, std::string_view name) {
  Batch batch = query(family, NFT_MSG_GETRULE, NLM_F_DUMP, "list firewall rules of " + table);
  batch.put_string(NFTA_RULE_TABLE, table);
  // As in the attribute of a comparison: the length first.
  const Bytes text = bytes_of_name(name);
  const std::uint16_t size = static_cast<std::uint16_t>(sizeof(nlattr) + text.size());
  Bytes wanted(sizeof(nlattr));
  const nlattr header{.nla_len = size, .nla_type = NFTA_DATA_VALUE};
  std::memcpy(wanted.data(), &header, sizeof header);
  wanted.insert(wanted.end(), text.begin(), text.end());
  bool named = false;
  (void)TRY(ask(socket, batch, [&](const Received& message) {
    named = named || !std::ranges::search(message.payload, wanted).empty();
  }));
  return named;
}

namespace {

// A rule that accepts and matches nothing but one interface.
struct AcceptingRule {
  std::optional<std::uint32_t> key;  // NFT_META_IIFNAME, NFT_META_OIFNAME
  std::optional<Bytes> name;
  bool accepts = false;
  bool more = false;  // the rule has other conditions as well

  void add(std::string_view kind, const Attribute& data);
};

void AcceptingRule::add(std::string_view kind, const Attribute& data) {
  if (kind == "counter") return;
  more = more || (kind == "meta" && key) || (kind == "cmp" && name) ||
         (kind != "meta" && kind != "cmp" && kind != "immediate");
  for_each_attribute(data.bytes, [&](const Attribute& attribute) {
    if (kind == "meta" && attribute.type == NFTA_META_KEY) key = ntohl(attribute.u32());
    if (kind == "cmp" && attribute.type == NFTA_CMP_OP) more = more || ntohl(attribute.u32()) != NFT_CMP_EQ;
    if (kind == "cmp" && attribute.type == NFTA_CMP_DATA) name = data_value(attribute);
    if (kind != "immediate" || attribute.type != NFTA_IMMEDIATE_DATA) return;
    for_each_attribute(attribute.bytes, [&](const Attribute& value) {
      if (value.type != NFTA_DATA_VERDICT) return;
      for_each_attribute(value.bytes, [&](const Attribute& verdict) {
        if (verdict.type == NFTA_VERDICT_CODE) accepts = ntohl(verdict.u32()) == NF_ACCEPT;
      });
    });
  });
}

AcceptingRule accepting_rule(const Received& message) {
  AcceptingRule rule;
  for_each_attribute(message.attributes(sizeof(nfgenmsg)), [&](const Attribute& list) {
    if (list.type != NFTA_RULE_EXPRESSIONS) return;
    for_each_attribute(list.bytes, [&](const Attribute& expression) {
      std::string_view kind;
      Attribute data{};
      for_each_attribute(expression.bytes, [&](const Attribute& part) {
        if (part.type == NFTA_EXPR_NAME) kind = part.text();
        if (part.type == NFTA_EXPR_DATA) data = part;
      });
      rule.add(kind, data);
    });
  });
  return rule;
}

}  // namespace

Result<bool> accepts_interfaces(Socket& socket, std::uint8_t family, const std::string& table,
                                std::string_view beginning) {
  Batch batch = query(family, NFT_MSG_GETRULE, NLM_F_DUMP, "list firewall rules of " + table);
  batch.put_string(NFTA_RULE_TABLE, table);
  const Bytes wanted(beginning.begin(), beginning.end());  // for a name with a wildcard, only these bytes are compared
  bool in = false, out = false;
  (void)TRY(ask(socket, batch, [&](const Received& message) {
    const AcceptingRule rule = accepting_rule(message);
    if (!rule.accepts || rule.more || rule.name != wanted) return;
    in = in || rule.key == NFT_META_IIFNAME;
    out = out || rule.key == NFT_META_OIFNAME;
  }));
  return in && out;
}

Result<std::vector<FoundRule>> list_rules(Socket& socket, std::uint8_t family, const std::string& table,
                                          const std::string& chain) {
  Batch batch = query(family, NFT_MSG_GETRULE, NLM_F_DUMP, "list firewall rules of " + chain);
  batch.put_string(NFTA_RULE_TABLE, table);
  batch.put_string(NFTA_RULE_CHAIN, chain);
  std::vector<FoundRule> rules;
  const bool there = TRY(ask(socket, batch, [&](const Received& message) {
    FoundRule rule;
    for_each_attribute(message.attributes(sizeof(nfgenmsg)), [&](const Attribute& attribute) {
      if (attribute.type == NFTA_RULE_HANDLE && attribute.bytes.size() == 8) {
        std::memcpy(&rule.handle, attribute.bytes.data(), 8);
        rule.handle = be64toh(rule.handle);
      }
      if (attribute.type == NFTA_RULE_USERDATA && attribute.bytes.size() > 2 && attribute.bytes[0] == userdata_comment)
        rule.comment = Attribute{0, attribute.bytes.subspan(2)}.text();
    });
    rules.push_back(std::move(rule));
  }));
  return there ? rules : std::vector<FoundRule>{};
}

Result<std::vector<Element>> list_elements(Socket& socket, std::uint8_t family, const std::string& table,
                                           const std::string& set) {
  Batch batch = query(family, NFT_MSG_GETSETELEM, NLM_F_DUMP, "list firewall set " + set);
  batch.put_string(NFTA_SET_ELEM_LIST_TABLE, table);
  batch.put_string(NFTA_SET_ELEM_LIST_SET, set);
  std::vector<Element> elements;
  const bool there = TRY(ask(socket, batch, [&](const Received& message) {
    for_each_attribute(message.attributes(sizeof(nfgenmsg)), [&](const Attribute& list) {
      if (list.type != NFTA_SET_ELEM_LIST_ELEMENTS) return;
      for_each_attribute(list.bytes, [&](const Attribute& item) {
        Element element;
        for_each_attribute(item.bytes, [&](const Attribute& part) {
          if (part.type == NFTA_SET_ELEM_KEY) element.key = data_value(part);
          if (part.type == NFTA_SET_ELEM_DATA) element.data = data_value(part);
        });
        elements.push_back(std::move(element));
      });
    });
  }));
  return there ? elements : std::vector<Element>{};
}

Result<std::uint32_t> generation(Socket& socket) {
  Batch batch = query(AF_UNSPEC, NFT_MSG_GETGEN, 0, "read the firewall's generation");
  std::uint32_t number = 0;
  const bool there = TRY(ask(socket, batch, [&](const Received& message) {
    for_each_attribute(message.attributes(sizeof(nfgenmsg)), [&](const Attribute& attribute) {
      if (attribute.type == NFTA_GEN_ID) number = ntohl(attribute.u32());
    });
  }));
  return there ? number : 0;
}

}  // namespace consort::nft
