// Questions passed on to name servers outside, each with its own socket (a fresh random port), id, and deadline.
#pragma once

#include <functional>
#include <unordered_map>

#include "base/os/event_loop.hpp"
#include "network/dns.hpp"
#include "network/dns_message.hpp"

namespace consort::dns {

enum class Transport : std::uint8_t { udp, tcp };

class Upstreams {
 public:
  using Key = std::uint64_t;
  // The answer with the asker's own id; nullopt when no server gave any.
  using Done = std::move_only_function<void(std::optional<Bytes> answer)>;

  Upstreams(EventLoop& loop, DnsTimeouts timeouts, std::uint16_t port)
      : loop_(loop), timeouts_(timeouts), port_(port) {}
  ~Upstreams();
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;

  // done is called once, from the loop, unless cancelled. 0 when there is no server or too much is pending already.
  Key ask(std::vector<Address> servers, View query, Transport transport, Done done);
  void cancel(Key key);

 private:
  struct Pending {
    std::vector<Address> servers;
    Bytes query;           // with our id
    std::uint16_t id = 0;  // the asker's
    Transport transport = Transport::udp;
    Done done;
    EventLoop::Clock::time_point deadline;
    std::size_t attempts = 0, refusals = 0;
    bool suspect = false;            // all servers were silent lately: ask each once only
    std::optional<Bytes> unhelpful;  // a failure that one of them reported
    Fd socket;
    EventLoop::Token token = 0, timer = 0;
    Bytes buffer;  // TCP: what is to be written, then what was read
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
  bool is_silent(const Address& server) const;

  EventLoop& loop_;
  DnsTimeouts timeouts_;
  std::uint16_t port_;
  Key next_ = 1;
  std::unordered_map<Key, Pending> pending_;
  std::map<Address, EventLoop::Clock::time_point> silent_;  // until when a server counts as silent
};

}  // namespace consort::dns
