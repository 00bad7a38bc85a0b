#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "network/dns.hpp"

namespace consort {

namespace {

void add_once(std::vector<Address>& list, const std::optional<Address>& address) {
  if (address && std::find(list.begin(), list.end(), *address) == list.end()) list.push_back(*address);
}

}  // namespace

NameTable::NameTable(const std::vector<NameRecord>& records) {
  for (const NameRecord& record : records) {
    Network& network = networks_[record.network_id];
    network.name = to_lower(record.network_name);
    for (const std::string& name : record.names) {
      Addresses& addresses = network.names[to_lower(name)];
      add_once(addresses.ipv4, record.ipv4);
      add_once(addresses.ipv6, record.ipv6);
    }
    const std::string full = record.container_name + "." + record.network_name;
    if (record.ipv4) network.reverse[*record.ipv4] = full;
    if (record.ipv6) network.reverse[*record.ipv6] = full;
  }
}

std::optional<NameTable::Addresses> NameTable::find(const std::vector<std::string>& network_ids,
                                                    std::string_view asked) const {
  const std::string name = to_lower(asked);
  std::optional<Addresses> all;
  for (const std::string& id : network_ids) {
    const auto network = networks_.find(id);
    if (network == networks_.end()) continue;
    auto found = network->second.names.find(name);
    if (found == network->second.names.end() && name.ends_with("." + network->second.name))
      found = network->second.names.find(name.substr(0, name.size() - network->second.name.size() - 1));
    if (found == network->second.names.end()) continue;
    if (!all) all.emplace();
    if (all->ipv4.empty()) all->ipv4 = found->second.ipv4;
    if (all->ipv6.empty()) all->ipv6 = found->second.ipv6;
  }
  return all;
}

std::optional<std::string> NameTable::find_name(const std::vector<std::string>& network_ids,
                                                const Address& address) const {
  for (const std::string& id : network_ids) {
    const auto network = networks_.find(id);
    if (network == networks_.end()) continue;
    const auto found = network->second.reverse.find(address);
    if (found != network->second.reverse.end()) return found->second;
  }
  return std::nullopt;
}

std::vector<Address> parse_nameservers(std::string_view resolv_conf) {
  std::vector<Address> servers;
  for (const std::string& line : split(resolv_conf, '\n')) {
    constexpr std::string_view keyword = "nameserver";
    std::string_view text = trim(line);
    if (!text.starts_with(keyword)) continue;
    text.remove_prefix(keyword.size());
    if (text.empty() || (text.front() != ' ' && text.front() != '\t')) continue;
    text = trim(text);
    text = text.substr(0, text.find_first_of(" \t#;"));
    if (const auto address = Address::parse(text)) servers.push_back(*address);
  }
  return servers;
}

std::string container_resolv_conf(std::string_view host_resolv_conf) {
  std::string text;
  bool found = false;
  for (const std::string& line : split(host_resolv_conf, '\n')) {
    const std::string_view kept = trim(line);
    if (kept.empty()) continue;
    const std::vector<Address> servers = parse_nameservers(kept);
    if (kept.starts_with("nameserver") && (servers.empty() || servers.front().is_loopback())) continue;
    found = found || !servers.empty();
    text.append(kept).append("\n");
  }
  if (!found) text += "nameserver 8.8.8.8\nnameserver 8.8.4.4\n";
  return text;
}

std::string read_host_resolv_conf() {
  constexpr std::size_t limit = 1 << 20;
  std::string text = read_file("/etc/resolv.conf", limit).value_or("");
  const std::vector<Address> servers = parse_nameservers(text);
  const bool stub = !servers.empty() && std::all_of(servers.begin(), servers.end(),
                                                    [](const Address& server) { return server.is_loopback(); });
  if (!stub) return text;
  return read_file("/run/systemd/resolve/resolv.conf", limit).value_or(text);
}

std::vector<Address> host_resolvers() {
  const Result<std::string> text = read_file("/etc/resolv.conf", 1 << 20);
  return text ? parse_nameservers(*text) : std::vector<Address>{};
}

}  // namespace consort
