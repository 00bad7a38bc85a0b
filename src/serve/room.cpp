#include "serve/room.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <map>
#include <string_view>

namespace consort::serve {

namespace {

constexpr Peer over_the_network = Peer{1} << 63;
constexpr std::chrono::seconds idle_for_long{1};  // whoever has just connected is about to ask

Peer hash_of(const void* address, std::size_t size) {
  return over_the_network | std::hash<std::string_view>{}({static_cast<const char*>(address), size});
}

struct Greediest {
  Peer peer = 0;
  std::size_t count = 0;
};

Greediest greediest_of(const std::map<Peer, std::size_t>& counts) {
  Greediest most;
  for (const auto& [peer, count] : counts)
    if (count > most.count) most = {peer, count};
  return most;
}

// Of those that match, the one for which `before` is true of its time and each other's.
template <typename Matches, typename Before>
std::optional<std::size_t> first_of(std::span<const Holder> holders, Matches matches, Before before) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < holders.size(); ++i)
    if (matches(holders[i]) && (!found || before(holders[i].since, holders[*found].since))) found = i;
  return found;
}

}  // namespace

Peer peer_of(int client) {
  ucred process{};
  socklen_t size = sizeof process;
  if (::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &process, &size) == 0 && process.pid != 0)
    return static_cast<Peer>(process.pid);
  sockaddr_storage name{};
  size = sizeof name;
  if (::getpeername(client, reinterpret_cast<sockaddr*>(&name), &size) != 0) return over_the_network;
  if (name.ss_family == AF_INET) return hash_of(&reinterpret_cast<sockaddr_in*>(&name)->sin_addr, sizeof(in_addr));
  if (name.ss_family == AF_INET6) return hash_of(&reinterpret_cast<sockaddr_in6*>(&name)->sin6_addr, sizeof(in6_addr));
  return over_the_network;
}

std::optional<std::size_t> who_makes_room(std::span<const Holder> holders, Peer newcomer,
                                          std::chrono::steady_clock::time_point now) {
  std::map<Peer, std::size_t> counts;
  for (const Holder& holder : holders) ++counts[holder.peer];
  const Greediest most = greediest_of(counts);
  if (most.count > counts[newcomer] + 1) {
    const auto idle = [&](const Holder& holder) { return holder.peer == most.peer && holder.idle; };
    if (const auto found = first_of(holders, idle, std::less<>())) return found;
    return first_of(
        holders, [&](const Holder& holder) { return holder.peer == most.peer; }, std::greater<>());
  }
  const auto idle = [&](const Holder& holder) { return holder.idle && now - holder.since >= idle_for_long; };
  return first_of(holders, idle, std::less<>());
}

}  // namespace consort::serve
