#include "buildkit/service.hpp"

#include <mutex>
#include <set>

#include "buildkit/control/server.hpp"

namespace consort::buildkit {

class Service::Impl {
 public:
  explicit Impl(engine::Engine& engine) : server_(engine) {}

  Result<> serve_control(Fd socket, std::string read_already) {
    const auto connection = TRY(Connection::start(std::move(socket), std::move(read_already), Connection::Role::server,
                                                  [this](Stream& call) { server_.answer(call); }));
    serve(*connection);
    return {};
  }

  Result<> serve_session(Fd socket, std::string read_already, const SessionRequest& request) {
    if (request.id.empty()) return fail(Error(Code::invalid).why("a session has an id"));
    auto connection = TRY(Connection::start(std::move(socket), std::move(read_already), Connection::Role::client));
    const auto session = std::make_shared<Session>(
        request.id, std::set<std::string>(request.methods.begin(), request.methods.end()), std::move(connection));
    server_.sessions().add(session);
    serve(session->connection());
    server_.sessions().remove(session);
    return {};
  }

  void stop() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    for (Connection* connection : open_) connection->close();
  }

 private:
  void serve(Connection& connection) {
    {
      const std::scoped_lock lock(mutex_);
      open_.insert(&connection);
      if (stopped_) connection.close();
    }
    connection.wait_closed();
    const std::scoped_lock lock(mutex_);
    open_.erase(&connection);
  }

  Server server_;
  std::mutex mutex_;
  std::set<Connection*> open_;
  bool stopped_ = false;
};

Service::Service(engine::Engine& engine) : impl_(std::make_unique<Impl>(engine)) {}

Service::~Service() = default;

Result<> Service::serve_control(Fd socket, std::string read_already) {
  return impl_->serve_control(std::move(socket), std::move(read_already));
}

Result<> Service::serve_session(Fd socket, std::string read_already, const SessionRequest& request) {
  return impl_->serve_session(std::move(socket), std::move(read_already), request);
}

void Service::stop() {
  impl_->stop();
}

}  // namespace consort::buildkit
