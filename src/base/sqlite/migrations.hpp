// Versioned database schemas: state.db outlives the program that created it. Each module has its own tables and
// migrates them itself.
#pragma once

#include <span>
#include <string_view>

#include "base/sqlite/database.hpp"

namespace consort {

// The SQL statements at index N turn version N into version N + 1. The first creates the tables, and adopts tables from
// before versions were recorded (IF NOT EXISTS). A released migration is never changed, only followed by another. A
// table that others refer to is rebuilt under `PRAGMA defer_foreign_keys=ON`.
using Migrations = std::span<const char* const>;

// Runs the missing migrations in one transaction. If a newer program wrote the tables: Code::unsupported.
Result<> migrate(Database& database, std::string_view part, Migrations migrations);

}  // namespace consort
