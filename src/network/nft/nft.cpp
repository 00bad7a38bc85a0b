#include "network/nft/nft.hpp"

#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>

namespace consort::nft {

using netlink::Nest;

namespace {

constexpr std::uint16_t message_type(unsigned type) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
}

nfgenmsg header_of(std::uint8_t family) {
  return nfgenmsg{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0};
}

// Fields of a concatenation are read by nft(8) from the right, six bits each.
std::uint32_t packed(const std::vector<Type>& types) {
  std::uint32_t all = 0;
  for (const Type type : types) all = (all << 6) | static_cast<std::uint32_t>(type);
  return all;
}

std::size_t size_of_all(const std::vector<Type>& types) {
  std::size_t size = 0;
  for (const Type type : types) size += size_of(type);
  return size;
}

// {type, length, text with its terminating zero}: the format in which nft(8) stores a rule's comment.
Bytes comment_userdata(const std::string& comment) {
  Bytes bytes{userdata_comment, static_cast<std::uint8_t>(comment.size() + 1)};
  bytes.insert(bytes.end(), comment.begin(), comment.end());
  bytes.push_back(0);
  return bytes;
}

// {type 0 (byte order of a key), length, 1 (the host's)}: without it nft(8) prints interface names backwards, that is,
// as nothing.
Bytes host_order_userdata() {
  Bytes bytes{0, sizeof(std::uint32_t)};
  const Bytes order = bytes_of_u32(1);
  bytes.insert(bytes.end(), order.begin(), order.end());
  return bytes;
}

void put_data(Batch& batch, std::uint16_t type, const Bytes& value) {
  Nest nest(batch, type);
  batch.put(NFTA_DATA_VALUE, value);
}

}  // namespace

std::size_t size_of(Type type) {
  switch (type) {
    case Type::ipv6:
    case Type::ifname:
      return 16;
    default:
      return 4;
  }
}

Bytes bytes_of_u32(std::uint32_t host_order) {
  Bytes bytes(sizeof host_order);
  std::memcpy(bytes.data(), &host_order, sizeof host_order);
  return bytes;
}

Bytes bytes_of_port(std::uint16_t port) {
  return {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port & 0xff)};
}

Bytes bytes_of_name(std::string_view name) {
  Bytes bytes(16);
  std::copy_n(name.begin(), std::min<std::size_t>(name.size(), 15), bytes.begin());
  return bytes;
}

Bytes concatenate(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
    all.resize((all.size() + 3) & ~std::size_t{3});
  }
  return all;
}

void Table::begin(std::uint16_t type, std::uint16_t flags, std::string label) {
  batch_.begin(message_type(type), static_cast<std::uint16_t>(NLM_F_REQUEST | flags), std::move(label));
  batch_.append(header_of(family_));
}

void Table::create(Existing existing) {
  begin(NFT_MSG_NEWTABLE, existing == Existing::refuse ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE,
        "create firewall table " + name_);
  batch_.put_string(NFTA_TABLE_NAME, name_);
}

void Table::remove() {
  begin(NFT_MSG_DELTABLE, 0, "delete firewall table " + name_);
  batch_.put_string(NFTA_TABLE_NAME, name_);
}

void Table::add_set(const SetSpec& set) {
  begin(NFT_MSG_NEWSET, NLM_F_CREATE, "create firewall set " + set.name);
  batch_.put_string(NFTA_SET_TABLE, name_);
  batch_.put_string(NFTA_SET_NAME, set.name);
  batch_.put_be32(NFTA_SET_FLAGS, set.data.empty() ? 0 : NFT_SET_MAP);
  batch_.put_be32(NFTA_SET_KEY_TYPE, packed(set.key));
  batch_.put_be32(NFTA_SET_KEY_LEN, static_cast<std::uint32_t>(size_of_all(set.key)));
  if (!set.data.empty()) {
    batch_.put_be32(NFTA_SET_DATA_TYPE, packed(set.data));
    batch_.put_be32(NFTA_SET_DATA_LEN, static_cast<std::uint32_t>(size_of_all(set.data)));
  }
  if (set.key == std::vector{Type::ifname}) batch_.put(NFTA_SET_USERDATA, host_order_userdata());
  batch_.put_be32(NFTA_SET_ID, next_set_id_++);
}

void Table::add_base_chain(const std::string& chain, const Hook& hook) {
  begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "create firewall chain " + chain);
  batch_.put_string(NFTA_CHAIN_TABLE, name_);
  batch_.put_string(NFTA_CHAIN_NAME, chain);
  {
    Nest nest(batch_, NFTA_CHAIN_HOOK);
    batch_.put_be32(NFTA_HOOK_HOOKNUM, hook.hook);
    batch_.put_be32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(hook.priority));
  }
  batch_.put_string(NFTA_CHAIN_TYPE, hook.type);
}

void Table::add_chain(const std::string& chain) {
  begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "create firewall chain " + chain);
  batch_.put_string(NFTA_CHAIN_TABLE, name_);
  batch_.put_string(NFTA_CHAIN_NAME, chain);
}

void Table::flush_chain(const std::string& chain) {
  begin(NFT_MSG_DELRULE, 0, "empty firewall chain " + chain);
  batch_.put_string(NFTA_RULE_TABLE, name_);
  batch_.put_string(NFTA_RULE_CHAIN, chain);
}

void Table::remove_rule(const std::string& chain, std::uint64_t handle) {
  begin(NFT_MSG_DELRULE, 0, "delete firewall rule of " + chain);
  batch_.put_string(NFTA_RULE_TABLE, name_);
  batch_.put_string(NFTA_RULE_CHAIN, chain);
  batch_.put_be64(NFTA_RULE_HANDLE, handle);
}

void Table::put_elements(std::uint16_t type, std::uint16_t flags, const std::string& set,
                         std::span<const Element> elements) {
  begin(type, flags, "change firewall set " + set);
  batch_.put_string(NFTA_SET_ELEM_LIST_TABLE, name_);
  batch_.put_string(NFTA_SET_ELEM_LIST_SET, set);
  Nest list(batch_, NFTA_SET_ELEM_LIST_ELEMENTS);
  for (const Element& element : elements) {
    Nest item(batch_, NFTA_LIST_ELEM);
    put_data(batch_, NFTA_SET_ELEM_KEY, element.key);
    if (!element.data.empty()) put_data(batch_, NFTA_SET_ELEM_DATA, element.data);
  }
}

void Table::add_elements(const std::string& set, std::span<const Element> elements) {
  put_elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, elements);
}

void Table::remove_elements(const std::string& set, std::span<const Element> elements) {
  put_elements(NFT_MSG_DELSETELEM, 0, set, elements);
}

// {name, data} of one expression of a rule.
class Rule::Expression {
 public:
  Expression(Batch& batch, const char* name) : element_(batch, NFTA_LIST_ELEM) {
    batch.put_string(NFTA_EXPR_NAME, name);
    data_.emplace(batch, NFTA_EXPR_DATA);
  }

 private:
  Nest element_;  // ends after data_
  std::optional<Nest> data_;
};

Rule::Rule(Table& table, const std::string& chain, Place place, const std::string& comment)
    : table_(table), batch_(table.batch_) {
  table_.begin(NFT_MSG_NEWRULE, place == Place::last ? NLM_F_CREATE | NLM_F_APPEND : NLM_F_CREATE,
               "add firewall rule to " + chain);
  batch_.put_string(NFTA_RULE_TABLE, table_.name_);
  batch_.put_string(NFTA_RULE_CHAIN, chain);
  if (!comment.empty()) batch_.put(NFTA_RULE_USERDATA, comment_userdata(comment));
  expressions_ = batch_.nest(NFTA_RULE_EXPRESSIONS);
}

Rule::~Rule() {
  batch_.end(expressions_);
}

Rule& Rule::meta(std::uint32_t key, std::uint32_t to) {
  Expression expression(batch_, "meta");
  batch_.put_be32(NFTA_META_KEY, key);
  batch_.put_be32(NFTA_META_DREG, to);
  return *this;
}

Rule& Rule::payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length, std::uint32_t to) {
  Expression expression(batch_, "payload");
  batch_.put_be32(NFTA_PAYLOAD_DREG, to);
  batch_.put_be32(NFTA_PAYLOAD_BASE, base);
  batch_.put_be32(NFTA_PAYLOAD_OFFSET, offset);
  batch_.put_be32(NFTA_PAYLOAD_LEN, length);
  return *this;
}

Rule& Rule::ct(std::uint32_t key, std::uint32_t to) {
  Expression expression(batch_, "ct");
  batch_.put_be32(NFTA_CT_KEY, key);
  batch_.put_be32(NFTA_CT_DREG, to);
  return *this;
}

Rule& Rule::fib_daddr_type(std::uint32_t to) {
  Expression expression(batch_, "fib");
  batch_.put_be32(NFTA_FIB_DREG, to);
  batch_.put_be32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
  batch_.put_be32(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
  return *this;
}

Rule& Rule::socket_transparent(std::uint32_t to) {
  Expression expression(batch_, "socket");
  batch_.put_be32(NFTA_SOCKET_KEY, NFT_SOCKET_TRANSPARENT);
  batch_.put_be32(NFTA_SOCKET_DREG, to);
  return *this;
}

Rule& Rule::set_mark(std::uint32_t from) {
  Expression expression(batch_, "meta");
  batch_.put_be32(NFTA_META_KEY, NFT_META_MARK);
  batch_.put_be32(NFTA_META_SREG, from);
  return *this;
}

Rule& Rule::mask(std::uint32_t reg, std::uint32_t host_order_mask) {
  Expression expression(batch_, "bitwise");
  batch_.put_be32(NFTA_BITWISE_SREG, reg);
  batch_.put_be32(NFTA_BITWISE_DREG, reg);
  batch_.put_be32(NFTA_BITWISE_LEN, 4);
  put_data(batch_, NFTA_BITWISE_MASK, bytes_of_u32(host_order_mask));
  put_data(batch_, NFTA_BITWISE_XOR, bytes_of_u32(0));
  return *this;
}

void Rule::compare(std::uint32_t reg, std::uint32_t operation, const Bytes& value) {
  Expression expression(batch_, "cmp");
  batch_.put_be32(NFTA_CMP_SREG, reg);
  batch_.put_be32(NFTA_CMP_OP, operation);
  put_data(batch_, NFTA_CMP_DATA, value);
}

Rule& Rule::equal(std::uint32_t reg, const Bytes& value) {
  compare(reg, NFT_CMP_EQ, value);
  return *this;
}

Rule& Rule::differs(std::uint32_t reg, const Bytes& value) {
  compare(reg, NFT_CMP_NEQ, value);
  return *this;
}

void Rule::lookup(std::uint32_t reg, const std::string& set, std::uint32_t to, std::uint32_t flags) {
  Expression expression(batch_, "lookup");
  batch_.put_string(NFTA_LOOKUP_SET, set);
  batch_.put_be32(NFTA_LOOKUP_SREG, reg);
  if (to != 0) batch_.put_be32(NFTA_LOOKUP_DREG, to);
  if (flags != 0) batch_.put_be32(NFTA_LOOKUP_FLAGS, flags);
}

Rule& Rule::in_set(std::uint32_t reg, const std::string& set) {
  lookup(reg, set, 0, 0);
  return *this;
}

Rule& Rule::not_in_set(std::uint32_t reg, const std::string& set) {
  lookup(reg, set, 0, NFT_LOOKUP_F_INV);
  return *this;
}

Rule& Rule::map(std::uint32_t reg, const std::string& set, std::uint32_t to) {
  lookup(reg, set, to, 0);
  return *this;
}

Rule& Rule::load(std::uint32_t to, const Bytes& value) {
  Expression expression(batch_, "immediate");
  batch_.put_be32(NFTA_IMMEDIATE_DREG, to);
  put_data(batch_, NFTA_IMMEDIATE_DATA, value);
  return *this;
}

Rule& Rule::counter() {
  Expression expression(batch_, "counter");
  return *this;
}

Rule& Rule::dnat(std::uint32_t family, std::uint32_t address_reg, std::uint32_t port_reg) {
  Expression expression(batch_, "nat");
  batch_.put_be32(NFTA_NAT_TYPE, NFT_NAT_DNAT);
  batch_.put_be32(NFTA_NAT_FAMILY, family);
  batch_.put_be32(NFTA_NAT_REG_ADDR_MIN, address_reg);
  batch_.put_be32(NFTA_NAT_REG_PROTO_MIN, port_reg);
  return *this;
}

void Rule::masquerade() {
  Expression expression(batch_, "masq");
}

void Rule::decide(std::int32_t code, const std::string& chain) {
  Expression expression(batch_, "immediate");
  batch_.put_be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  Nest data(batch_, NFTA_IMMEDIATE_DATA);
  Nest value(batch_, NFTA_DATA_VERDICT);
  batch_.put_be32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code));
  if (!chain.empty()) batch_.put_string(NFTA_VERDICT_CHAIN, chain);
}

void Rule::verdict(std::int32_t code) {
  decide(code, "");
}

void Rule::jump(const std::string& chain) {
  decide(NFT_JUMP, chain);
}

Rule& Rule::family_is(std::uint8_t nfproto) {
  return meta(NFT_META_NFPROTO, wide(0)).equal(wide(0), {nfproto});
}

Rule& Rule::from_interface(const std::string& name) {
  return meta(NFT_META_IIFNAME, wide(0)).equal(wide(0), bytes_of_name(name));
}

Rule& Rule::to_interface(const std::string& name) {
  return meta(NFT_META_OIFNAME, wide(0)).equal(wide(0), bytes_of_name(name));
}

}  // namespace consort::nft
