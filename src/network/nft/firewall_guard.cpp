#include "network/firewall_guard.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace consort {

namespace {

// Reloading a firewall makes many changes in a row.
constexpr std::chrono::milliseconds quiet{100};

// Wakes us only for the message that ends each change, whatever the change consisted of.
Result<> hear_only_ends(int socket) {
  constexpr std::uint16_t end_of_change = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(end_of_change), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, ~0U),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter{std::size(program), program};
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return {};
  return fail_errno("watch the firewall");
}

}  // namespace

FirewallGuard::FirewallGuard(EventLoop& loop, std::function<Result<>()> put_back_ports,
                             std::function<void(const std::string&)> report, HostPrograms programs)
    : loop_(loop),
      put_back_ports_(std::move(put_back_ports)),
      report_(std::move(report)),
      opener_(loop, std::move(programs), report_) {}

FirewallGuard::~FirewallGuard() {
  loop_.remove(watch_);
  loop_.cancel(timer_);
}

Result<> FirewallGuard::begin() {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!socket) return fail_errno("watch the firewall");
  TRY(hear_only_ends(socket.get()));
  // Needs a port id: broadcasts are not delivered to id 0, which sockets have at first.
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
    return fail_errno("watch the firewall");
  const int group = NFNLGRP_NFTABLES;
  if (::setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
    return fail_errno("watch the firewall");
  watch_ = TRY(loop_.add(socket.get(), EPOLLIN, [this](std::uint32_t) { on_change(); }));
  changes_ = std::move(socket);
  return {};
}

Result<> FirewallGuard::keep(const std::vector<BridgePolicy>& bridges) {
  if (bridges.empty()) {
    loop_.remove(std::exchange(watch_, 0));
    loop_.cancel(std::exchange(timer_, 0));
    changes_.reset();
    wanted_.clear();
    bridges_.clear();
    opener_.open_for({});  // a run that has begun ends by itself
    return {};
  }
  if (bridges == wanted_) return {};
  // Before anything is read, so that changes in the meantime are reported.
  if (!changes_) TRY(begin());
  std::vector<BridgePolicy> now = bridges;
  for (BridgePolicy& policy : now)
    if (const auto before = std::ranges::find(bridges_, policy.bridge, &BridgePolicy::bridge); before != bridges_.end())
      policy = *before;
  // If the table contains them, it has all that their networks need; not all of that is known here.
  Firewall firewall = TRY(Firewall::open());
  const bool all_there = TRY(firewall.read_policies(now));
  bridges_ = std::move(now);
  wanted_ = bridges;  // last, so that a failed attempt is repeated
  // It was emptied while no supervisor was watching.
  if (!all_there) look_after(std::chrono::milliseconds(0));
  return {};
}

void FirewallGuard::look_after(std::chrono::milliseconds delay) {
  if (timer_ != 0) return;
  timer_ = loop_.after(delay, [this] {
    timer_ = 0;
    if (const Result<> looked = look(); !looked) report_("put back the firewall: " + looked.error().message());
  });
}

void FirewallGuard::on_change() {
  char buffer[4096];
  // ENOBUFS: messages were lost, which also means that something has changed.
  while (::recv(changes_.get(), buffer, sizeof buffer, 0) > 0 || errno == ENOBUFS || errno == EINTR) {
  }
  look_after(quiet);
}

Result<> FirewallGuard::look() {
  Firewall firewall = TRY(Firewall::open());
  const std::vector<std::string> there = TRY(firewall.bridges());
  std::vector<std::string> names;
  bool missing = false;
  for (const BridgePolicy& policy : bridges_) {
    const bool known = std::ranges::find(there, policy.bridge) != there.end();
    missing = missing || !known;
    names.push_back(policy.bridge);
    // Also for a bridge that is present: another program's firewall may have been reloaded next to our table.
    TRY(known ? firewall.open_foreign(policy.bridge) : firewall.add_bridge(policy));
  }
  Result<> put_back;
  if (missing) {
    report_("the host's firewall was flushed: restored the rules of " + std::to_string(bridges_.size()) +
            (bridges_.size() == 1 ? " network" : " networks"));
    put_back = put_back_ports_();
  }
  if (TRY(firewall.wants_programs(names))) opener_.open_for(std::move(names));
  return put_back;
}

}  // namespace consort
