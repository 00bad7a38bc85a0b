#include "serve/connections.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>
#include <system_error>
#include <thread>

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
  none_left_.wait(lock, [this] { return count_ == 0; });
}

std::size_t Connections::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

void Connections::acknowledge() const {
  std::uint64_t times = 0;
  (void)!::read(last_gone_.get(), &times, sizeof times);
}

void Connections::add(Fd client) {
  {
    const std::scoped_lock lock(mutex_);
    if (count_ >= most) {
      http::Connection connection(std::move(client));
      return refuse(connection, 503, "too many connections");
    }
    ++count_;
  }
  try {
    std::thread([this, socket = std::move(client)]() mutable {
      serve(std::move(socket));
      done();
    }).detach();
  } catch (const std::system_error&) {
    done();  // no thread to be had: the client sees that its connection has ended
  }
}

void Connections::done() {
  const std::scoped_lock lock(mutex_);
  if (--count_ > 0) return;
  const std::uint64_t once = 1;
  (void)!::write(last_gone_.get(), &once, sizeof once);
  none_left_.notify_all();
}

void Connections::serve(Fd client) {
  http::Connection connection(std::move(client));
  try {
    while (true) {
      auto request = connection.next();
      if (!request) return refuse(connection, status_of(request.error()), request.error().message());
      if (!*request) return;
      if (!answer(service_, connection, **request)) return;
      if (connection.released() || !(*request)->keep_alive) return;
    }
  } catch (const std::exception&) {  // no memory for this one
  }
}

}  // namespace consort::serve
