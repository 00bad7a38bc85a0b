// Client sessions: while a client is connected, its files, credentials and keys can be requested.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "buildkit/rpc/connection.hpp"

namespace consort::buildkit {

class Session {
 public:
  // methods: the paths that the client serves: "/moby.filesync.v1.FileSync/DiffCopy"
  Session(std::string id, std::set<std::string> methods, std::unique_ptr<Connection> connection)
      : id_(std::move(id)), methods_(std::move(methods)), connection_(std::move(connection)) {}

  const std::string& id() const { return id_; }
  bool offers(const std::string& path) const { return methods_.contains(path); }
  Connection& connection() const { return *connection_; }

 private:
  std::string id_;
  std::set<std::string> methods_;
  std::unique_ptr<Connection> connection_;
};

// Thread-safe.
class Sessions {
 public:
  void add(const std::shared_ptr<Session>& session);
  void remove(const std::shared_ptr<Session>& session);
  // A client connects its session in parallel to the request that needs it, so the session may arrive a little later.
  // Code::not_found if it has not arrived after a few seconds.
  Result<std::shared_ptr<Session>> wait_for(const std::string& id, std::stop_token cancel);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;
};

}  // namespace consort::buildkit
