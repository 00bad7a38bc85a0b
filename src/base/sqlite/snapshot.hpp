// Statements of a Database::query() that belong together: while one exists, all of them see the same state, whatever
// other processes write. Only for reading.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

namespace consort {

class Snapshot {
 public:
  explicit Snapshot(SQLite::Database& database)
      : transaction_(database, SQLite::TransactionBehavior::DEFERRED) {}  // begins with the first read

 private:
  SQLite::Transaction transaction_;
};

}  // namespace consort
