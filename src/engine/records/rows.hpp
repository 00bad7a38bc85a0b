// Small helpers for the files that use SQL.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>

#include "base/sqlite/database.hpp"
#include "base/time.hpp"
#include "engine/types.hpp"

namespace consort::engine {

inline std::int64_t to_number(SystemTime time) {
  return time.time_since_epoch().count();
}
inline SystemTime to_time(std::int64_t number) {
  return SystemTime(Nanoseconds(number));
}

inline void bind_all(SQLite::Statement&, int) {}
template <typename First, typename... Rest>
void bind_all(SQLite::Statement& statement, int index, const First& first, const Rest&... rest) {
  statement.bind(index, first);
  bind_all(statement, index + 1, rest...);
}

// Executes one statement with its values; returns the number of changed rows.
template <typename... Values>
int execute(SQLite::Database& db, const char* sql, const Values&... values) {
  SQLite::Statement statement(db, sql);
  bind_all(statement, 1, values...);
  return statement.exec();
}

void insert_event(SQLite::Database& db, const EngineEvent& event);

}  // namespace consort::engine
