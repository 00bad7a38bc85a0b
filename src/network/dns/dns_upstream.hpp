// Forwards queries to upstream name servers, each with its own socket (a new random port), ID and deadline.
#pragma once

#include <functional>
#include <unordered_map>

#include "base/os/loop/event_loop.hpp"
#include "network/dns.hpp"
#include "network/dns_message.hpp"
#include "network/fair_share.hpp"

namespace consort::dns {

enum class Transport : std::uint8_t { udp, tcp };

// A query, its client, and the namespace to send it from.
struct Question {
  std::uint64_t asker = 0;
  std::vector<Address> servers;  // tried in turn
  int netns = -1;                // borrowed until answered or cancelled; -1: this process's
  View query;
  Transport transport = Transport::udp;
};

class Upstreams {
 public:
  using Key = std::uint64_t;
  // The answer with the client's own ID; nullopt if no server gave one.
  using Done = std::move_only_function<void(std::optional<Bytes> answer)>;

  static constexpr std::size_t max_pending = 512;
  Upstreams(EventLoop& loop, DnsTimeouts timeouts, std::uint16_t port, DnsSockets sockets = {})
      : loop_(loop), timeouts_(timeouts), port_(port), sockets_(std::move(sockets)), share_(max_pending) {}
  ~Upstreams();
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;

  // done is called once, from the loop, unless cancelled. Returns 0 if there are no servers or the client has its full
  // share of pending queries: room is reserved for other clients.
  Key ask(Question question, Done done);
  void cancel(Key key);
  void cancel_all_of(std::uint64_t asker);

 private:
  struct Pending {
    std::uint64_t asker = 0;
    int netns = -1;
    std::vector<Address> servers;
    Bytes query;           // with our ID
    std::uint16_t id = 0;  // the client's
    Transport transport = Transport::udp;
    Done done;
    EventLoop::Clock::time_point deadline;
    std::size_t attempts = 0, refusals = 0;
    bool suspect = false;            // all servers were silent lately: query each only once
    std::optional<Bytes> unhelpful;  // a failure reported by one of them
    Fd socket;
    EventLoop::Token token = 0, timer = 0;
    Bytes buffer;  // TCP: the bytes to write, then the bytes read
    std::size_t written = 0;
  };

  void attempt(Key key);
  bool open(Key key, Pending& pending);
  void on_event(Key key, std::uint32_t events);
  void on_udp(Key key, Pending& pending);
  void on_tcp(Key key, Pending& pending, std::uint32_t events);
  void on_answer(Key key, Pending& pending, Bytes answer);
  void refused(Key key, Pending& pending);
  void close(Pending& pending);
  void finish(Key key, std::optional<Bytes> answer);
  const Address& server_of(const Pending& pending) const;
  // The same address is a different server in another namespace: the client for its own namespace, 0 for ours.
  using Server = std::pair<std::uint64_t, Address>;
  static Server server_at(const Pending& pending, const Address& address) {
    return {pending.netns < 0 ? 0 : pending.asker, address};
  }
  bool is_silent(const Server& server) const;
  void forget(std::unordered_map<Key, Pending>::iterator pending);
  Result<Fd> open_socket(int domain, int type, int netns);

  EventLoop& loop_;
  DnsTimeouts timeouts_;
  std::uint16_t port_;
  DnsSockets sockets_;
  Key next_ = 1;
  std::unordered_map<Key, Pending> pending_;
  FairShare<std::uint64_t> share_;
  Fd home_;                                                // our own namespace, once another one was entered
  std::map<Server, EventLoop::Clock::time_point> silent_;  // until when a server counts as silent
};

}  // namespace consort::dns
