#include "serve/connections.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "base/json.hpp"
#include "serve/api/router.hpp"
#include "serve/api/service.hpp"
#include "serve/http/connection.hpp"

namespace consort::serve {

namespace {

void refuse(http::Connection& connection, int status, const std::string& message) {
  const std::string body = dump_json(Json{{"message", message}}) + "\n";
  (void)connection.write("HTTP/1.1 " + std::to_string(status) +
                             " Error\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n",
                         "\r\n", body);
}

}  // namespace

Connections::Connections(Service& service) : service_(service), last_gone_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Connections::~Connections() {
  std::unique_lock lock(mutex_);
  none_left_.wait(lock, [this] { return entries_.empty(); });
}

std::size_t Connections::count() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

void Connections::acknowledge() const {
  std::uint64_t times = 0;
  (void)!::read(last_gone_.get(), &times, sizeof times);
}

bool Connections::room_for(Peer peer) {
  std::vector<Holder> holders;
  std::vector<Place> places;
  for (Place place = entries_.begin(); place != entries_.end(); ++place) {
    if (place->cut) continue;
    holders.push_back(place->holder);
    places.push_back(place);
  }
  if (holders.size() < most) return true;
  if (entries_.size() >= most + leaving) return false;
  const auto who = who_makes_room(holders, peer, std::chrono::steady_clock::now());
  if (!who) return false;
  Entry& entry = *places[*who];
  entry.cut = true;
  if (entry.fd >= 0) ::shutdown(entry.fd, SHUT_RDWR);  // whatever its thread waits for there, it sees the end
  return true;
}

bool Connections::make_room(Peer peer) {
  const std::scoped_lock lock(mutex_);
  return room_for(peer);
}

void Connections::add(Fd client, Peer peer) {
  Place place;
  {
    const std::scoped_lock lock(mutex_);
    if (!room_for(peer)) {
      http::Connection connection(std::move(client));
      return refuse(connection, 503, "too many connections");
    }
    const Holder holder{.peer = peer, .idle = true, .since = std::chrono::steady_clock::now()};
    place = entries_.insert(entries_.end(), Entry{.holder = holder, .fd = client.get()});
  }
  try {
    std::thread([this, place, socket = std::move(client)]() mutable {
      serve(std::move(socket), place);
      done(place);
    }).detach();
  } catch (const std::system_error&) {
    done(place);  // no thread to be had: the client sees that its connection has ended
  }
}

void Connections::done(Place place) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(place);
  if (!entries_.empty()) return;
  const std::uint64_t once = 1;
  (void)!::write(last_gone_.get(), &once, sizeof once);
  none_left_.notify_all();
}

void Connections::set_idle(Place place, bool idle) {
  const std::scoped_lock lock(mutex_);
  place->holder.idle = idle;
  place->holder.since = std::chrono::steady_clock::now();
}

void Connections::serve(Fd client, Place place) {
  http::Connection connection(std::move(client));
  // Before the descriptor is closed, and its number another's.
  const auto forget = [this, place](const void*) {
    const std::scoped_lock lock(mutex_);
    place->fd = -1;
  };
  const std::unique_ptr<const void, decltype(forget)> forgets(this, forget);
  try {
    while (true) {
      auto request = connection.next();
      set_idle(place, false);
      if (!request) return refuse(connection, status_of(request.error()), request.error().message());
      if (!*request) return;
      if (!answer(service_, connection, **request)) return;
      if (connection.released() || !(*request)->keep_alive) return;
      set_idle(place, true);
    }
  } catch (const std::exception&) {  // no memory for this one
  }
}

}  // namespace consort::serve
