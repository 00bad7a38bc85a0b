// A connection to a SQLite file, configured for this program. SQLiteCpp throws; no exception leaves query().
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace consort {

namespace detail {
template <typename T>
inline constexpr bool is_result = false;
template <typename T>
inline constexpr bool is_result<std::expected<T, Error>> = true;
}  // namespace detail

// WAL, synchronous=NORMAL (a crash of the machine may lose the last transactions but never part of one; the next
// command converges again), foreign keys on, and a 10 s timeout when another writer is active. Thread-safe: one thread
// at a time gets access. A copy shares the connection: parts of a program that use the same file should share one,
// because a connection that finds another one writing sleeps, even if that is in the same process.
class Database {
 public:
  static Result<Database> open(const std::string& path);

  // Runs body(SQLite::Database&), which may throw SQLite::Exception and may return a value or a Result.
  template <typename Body>
  auto query(const char* what, Body&& body) {
    using Value = std::invoke_result_t<Body, SQLite::Database&>;
    const std::scoped_lock lock(*mutex_);
    return run<Value>(what, [&]() -> Value { return body(*connection_); });
  }

  // The same within BEGIN IMMEDIATE ... COMMIT; an exception or an error Result rolls back.
  template <typename Body>
  auto transaction(const char* what, Body&& body) {
    using Value = std::invoke_result_t<Body, SQLite::Database&>;
    const std::scoped_lock lock(*mutex_);
    return run<Value>(what, [&]() -> Value {
      SQLite::Transaction transaction(*connection_, SQLite::TransactionBehavior::IMMEDIATE);
      if constexpr (std::is_void_v<Value>) {
        body(*connection_);
        transaction.commit();
      } else {
        Value value = body(*connection_);
        if constexpr (detail::is_result<Value>) {
          if (!value) return value;
        }
        transaction.commit();
        return value;
      }
    });
  }

 private:
  explicit Database(std::shared_ptr<SQLite::Database> connection)
      : connection_(std::move(connection)), mutex_(std::make_shared<std::mutex>()) {}

  template <typename Value, typename Body>
  auto run(const char* what, Body&& body) const {
    if constexpr (detail::is_result<Value>) {
      try {
        return body();
      } catch (const SQLite::Exception& e) {
        return Value(std::unexpected(database_error(what, e, connection_->getFilename())));
      }
    } else {
      try {
        if constexpr (std::is_void_v<Value>) {
          body();
          return Result<>();
        } else {
          return Result<Value>(body());
        }
      } catch (const SQLite::Exception& e) {
        return Result<Value>(std::unexpected(database_error(what, e, connection_->getFilename())));
      }
    }
  }
  // Of one that is locked it says which process has it, if that is stopped.
  static Error database_error(const char* what, const SQLite::Exception& e, const std::string& path);

  std::shared_ptr<SQLite::Database> connection_;
  std::shared_ptr<std::mutex> mutex_;
};

}  // namespace consort
